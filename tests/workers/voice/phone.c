#include "tests/workers/voice/phone.h"

#include "tests/support/must.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PACKET_MS = 20, SAMPLES = 160, ULAW_LOUD = 0x9A, ULAW_SILENT = 0xFF };

static bool is_there(const char *path)
{
    return access(path, X_OK) == 0;
}

bool phone_possible(void)
{
    return is_there("/usr/bin/sipp") && is_there("/usr/bin/baresip") && geteuid() == 0;
}

/* ---- the capture: libpcap's file format, Ethernet, IPv4, UDP, RTP ---- */

typedef struct {
    FILE *file;
    uint32_t ms, stamp;
    uint16_t seq;
} tape;

static void be16(unsigned char *at, unsigned v)
{
    at[0] = (unsigned char)(v >> 8);
    at[1] = (unsigned char)v;
}

static void be32(unsigned char *at, uint32_t v)
{
    be16(at, v >> 16);
    be16(at + 2, v & 0xFFFF);
}

static void put_packet(tape *t, int type, bool marker, const unsigned char *payload, size_t n)
{
    unsigned char p[14 + 20 + 8 + 12 + SAMPLES] = {0};
    size_t all = sizeof p - SAMPLES + n;
    p[12] = 0x08; /* IPv4 */
    p[14] = 0x45;
    be16(p + 16, (unsigned)(all - 14));
    p[22] = 64;
    p[23] = 17;
    be32(p + 26, INADDR_LOOPBACK);
    be32(p + 30, INADDR_LOOPBACK);
    be16(p + 34, 6000);
    be16(p + 36, 6000);
    be16(p + 38, (unsigned)(all - 34));
    p[42] = 0x80;
    p[43] = (unsigned char)(type | (marker ? 0x80 : 0));
    be16(p + 44, t->seq++);
    be32(p + 46, t->stamp);
    be32(p + 50, 0x1234);
    memcpy(p + 54, payload, n);
    uint32_t head[4] = {t->ms / 1000, t->ms % 1000 * 1000, (uint32_t)all, (uint32_t)all};
    MUST(fwrite(head, sizeof head, 1, t->file) == 1 && fwrite(p, all, 1, t->file) == 1);
    t->ms += PACKET_MS;
}

static void put_sound(tape *t, int level)
{
    unsigned char samples[SAMPLES];
    for (int i = 0; i < 100 / PACKET_MS; i++) {
        for (int k = 0; k < SAMPLES; k++) /* a square wave of 400 Hz */
            samples[k] = (unsigned char)(k / 10 % 2 ? level ^ 0x80 : level);
        if (level == ULAW_SILENT)
            memset(samples, ULAW_SILENT, sizeof samples);
        put_packet(t, 0, false, samples, sizeof samples);
        t->stamp += SAMPLES;
    }
}

static void put_key(tape *t, char key)
{
    enum { EVENT_PACKETS = 8, ENDS = 3, TYPE = 101 };
    for (int i = 1; i <= EVENT_PACKETS; i++) {
        bool end = i > EVENT_PACKETS - ENDS;
        unsigned length = (unsigned)(end ? EVENT_PACKETS - ENDS + 1 : i) * SAMPLES;
        unsigned char event[4] = {(unsigned char)(key - '0'), (unsigned char)(end ? 0x8A : 0x0A)};
        be16(event + 2, length);
        put_packet(t, TYPE, i == 1, event, sizeof event);
    }
    t->stamp += EVENT_PACKETS * SAMPLES;
}

static void put_tape(const char *dir, const char *sound)
{
    char path[160];
    snprintf(path, sizeof path, "%s/sound.pcap", dir);
    tape t = {.file = fopen(path, "we"), .seq = 1};
    MUST(t.file);
    uint32_t head[6] = {0xA1B2C3D4, 2 | 4 << 16, 0, 0, 65535, 1};
    MUST(fwrite(head, sizeof head, 1, t.file) == 1);
    for (const char *c = sound; *c; c++) {
        if (*c >= '0' && *c <= '9')
            put_key(&t, *c);
        else
            put_sound(&t, *c == 'h' ? ULAW_LOUD : ULAW_SILENT);
    }
    MUST(fclose(t.file) == 0);
}

/* ---- sipp ---- */

static int free_udp_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    MUST(bind(fd, (struct sockaddr *)&at, n) == 0);
    MUST(getsockname(fd, (struct sockaddr *)&at, &n) == 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* sipp binds two ports for sound; below the range the kernel gives away, each phone its own. */
static int media_port(void)
{
    enum { FIRST = 20000, PORTS = 12000, EACH = 4 };
    static int phones;
    return FIRST + (getpid() * 64 + EACH * phones++) % PORTS;
}

static bool is_bound(int port)
{
    char wanted[32], line[256];
    bool found = false;
    snprintf(wanted, sizeof wanted, "0100007F:%04X ", port);
    FILE *f = fopen("/proc/net/udp", "re");
    MUST(f);
    while (!found && fgets(line, sizeof line, f))
        found = strstr(line, wanted) != NULL;
    fclose(f);
    return found;
}

void phone_start(phone *p, const char *scenario, const char *sound)
{
    char file[512], port[16], media[16];
    *p = (phone){.port = free_udp_port()};
    snprintf(p->dir, sizeof p->dir, "/tmp/dunlin-phone-XXXXXX");
    MUST(mkdtemp(p->dir));
    put_tape(p->dir, sound);
    snprintf(file, sizeof file, "%s/tests/workers/voice/sipp/%s.xml", getenv("DUNLIN_SOURCE"),
             scenario);
    snprintf(port, sizeof port, "%d", p->port);
    snprintf(media, sizeof media, "%d", media_port());
    p->pid = fork();
    if (p->pid == 0) {
        int nowhere = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(nowhere, fd);
        if (chdir(p->dir) == 0)
            execlp("sipp", "sipp", "-sf", file, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", port,
                   "-mp", media, "-m", "1", "-nostdin", "-timeout", "60", NULL);
        _exit(127);
    }
    for (int i = 0; i < 500 && !is_bound(p->port); i++)
        (void)poll(NULL, 0, 10);
    MUST(is_bound(p->port));
}

bool phone_stop(phone *p)
{
    int status = -1;
    char path[160];
    for (int i = 0; i < 100 && waitpid(p->pid, &status, WNOHANG) == 0; i++)
        (void)poll(NULL, 0, 10);
    if (status == -1) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    snprintf(path, sizeof path, "%s/sound.pcap", p->dir);
    unlink(path);
    rmdir(p->dir);
    return status == 0;
}
