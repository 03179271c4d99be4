/* line.h - hold on the connection that libESMTP keeps to itself.
 *
 * libESMTP gives no access to its socket and has no limit for a peer that answers a byte at a time,
 * nor for connect(2). A line finds the session's socket when the session has connected, keeps a
 * duplicate of it, and the watchdog may shut that down: the session then sees the end of the
 * connection and ends in its ordinary way. A hanging connect(2) is broken by a signal to its thread
 * (SIGUSR2, a handler that does nothing).
 *
 * The socket also gets TCP_NODELAY, which libESMTP forgets and which costs it 40 ms a message.
 *
 * To tell whose socket is whose, sessions of one line_set connect one at a time.
 * Thread: line_watch one thread; a line's other functions its session's thread. */
#ifndef EMAIL_LINE_H
#define EMAIL_LINE_H

#include "gateway/base/clock.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct line_set line_set;

typedef struct line {
    line_set *set;
    pthread_t thread;
    struct line *next;
    int fd;                         /* our duplicate, -1 = none */
    ino_t inode;                    /* of the socket */
    int64_t connecting_ms, busy_ms; /* since when; 0 = not */
    bool connecting, cut;
} line;

/* port: the relay's, network sockets connected to it are the sessions'. */
line_set *line_set_new(int port, int connect_ms, int busy_ms);
void line_set_free(line_set *s);

void line_init(line *l, line_set *s);
void line_done(line *l);
/* Around the start of a session: begin waits for its turn; connected (from the session's event) or
 * the end of the session gives it up. */
void line_begin_connect(line *l);
void line_connected(line *l);
/* The session is over: close the duplicate. */
void line_end(line *l);
/* A message is under way, or not. */
void line_busy(line *l, bool busy);
/* Content begins or ends: until the end the kernel joins libESMTP's small writes. */
void line_cork(line *l, bool on);
/* Has the peer closed, or said something nobody asked for? Then the session is not to be used. */
bool line_is_stale(line *l);
/* End the connection now (a session's own thread). */
void line_cut(line *l);
/* Did the watchdog (or line_cut) end the current session? */
bool line_was_cut(line *l);

/* Cut what takes too long. */
void line_watch(line_set *s);

#endif
