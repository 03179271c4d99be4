#include "workers/voice/speak.h"

#include "gateway/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };

/* ---- the command ---- */

typedef struct {
    char text[1024]; /* the words, NUL behind each */
    char *words[SPEAK_WORDS_MAX + 1];
} argv_words;

static gw_code split(const speak_config *c, const char *language, argv_words *ret, gw_err *err)
{
    static const char mark[] = "{language}";
    size_t n = 0, count = 0;
    for (const char *p = c->command; *p;) {
        p += strspn(p, " ");
        size_t word = strcspn(p, " ");
        if (word == 0)
            break;
        if (count == SPEAK_WORDS_MAX)
            return gw_fail(err, GW_EINVAL, "the command has more than %d words", SPEAK_WORDS_MAX);
        ret->words[count++] = ret->text + n;
        const char *at = memmem(p, word, mark, sizeof mark - 1);
        size_t before = at ? (size_t)(at - p) : word;
        const char *after = at ? at + sizeof mark - 1 : p + word;
        int made = snprintf(ret->text + n, sizeof ret->text - n, "%.*s%s%.*s", (int)before, p,
                            at ? language : "", (int)(p + word - after), after);
        n += (size_t)made + 1;
        if (n > sizeof ret->text)
            return gw_fail(err, GW_EINVAL, "the command is longer than %zu bytes",
                           sizeof ret->text);
        p += word;
    }
    ret->words[count] = NULL;
    return count ? GW_OK : gw_fail(err, GW_EINVAL, "the command is empty");
}

static const char *path_variable(void)
{
    const char *path = getenv("PATH");
    return path && *path ? path : "/usr/local/bin:/usr/bin:/bin";
}

static bool is_there(const char *program)
{
    if (strchr(program, '/'))
        return access(program, X_OK) == 0;
    for (const char *p = path_variable(); *p; p += strcspn(p, ":"), p += *p == ':') {
        char file[4096];
        int n = snprintf(file, sizeof file, "%.*s/%s", (int)strcspn(p, ":"), p, program);
        if (n > 0 && n < (int)sizeof file && access(file, X_OK) == 0)
            return true;
    }
    return false;
}

gw_code speak_check(const speak_config *c, gw_err *err)
{
    argv_words argv;
    gw_code rc = split(c, "en", &argv, err);
    if (rc != GW_OK)
        return rc;
    if (!is_there(argv.words[0]))
        return gw_fail(err, GW_ENOTFOUND, "there is no program %s", argv.words[0]);
    return GW_OK;
}

static bool find_voice(const char *voices, gw_str key, char ret[SPEAK_LANGUAGE_MAX])
{
    for (const char *p = voices; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        const char *equals = memchr(p, '=', n);
        if (!equals || !gw_str_eq(key, (gw_str){p, (size_t)(equals - p)}))
            continue;
        snprintf(ret, SPEAK_LANGUAGE_MAX, "%.*s", (int)(p + n - equals - 1), equals + 1);
        return true;
    }
    return false;
}

void speak_language(const speak_config *c, gw_str locale, char ret[SPEAK_LANGUAGE_MAX])
{
    size_t n = 0;
    while (n < locale.n && locale.p[n] >= 'a' && locale.p[n] <= 'z')
        n++;
    gw_str language = {locale.p, n};
    if (find_voice(c->voices, locale, ret) || find_voice(c->voices, language, ret))
        return;
    snprintf(ret, SPEAK_LANGUAGE_MAX, "%.*s", GW_STR_ARG(language));
}

/* ---- running it ---- */

typedef struct {
    pid_t pid;
    int in, out; /* its standard input and output, -1 when closed */
} child;

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static gw_code start(char *const *argv, child *ret, gw_err *err)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};
    char path[4200];
    snprintf(path, sizeof path, "PATH=%s", path_variable());
    char lang[] = "LANG=C.UTF-8";
    char *environment[] = {path, lang, NULL};
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        gw_code rc = gw_fail_errno(err, errno, "starting %s", argv[0]);
        close_fd(&in[0]);
        close_fd(&in[1]);
        return rc;
    }
    posix_spawn_file_actions_t acts;
    posix_spawnattr_t attr;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&acts);
    posix_spawn_file_actions_adddup2(&acts, in[0], 0);
    posix_spawn_file_actions_adddup2(&acts, out[1], 1);
    posix_spawn_file_actions_addopen(&acts, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &usual);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int rc = posix_spawnp(&ret->pid, argv[0], &acts, &attr, argv, environment);
    posix_spawn_file_actions_destroy(&acts);
    posix_spawnattr_destroy(&attr);
    close_fd(&in[0]);
    close_fd(&out[1]);
    ret->in = in[1];
    ret->out = out[0];
    if (rc == 0)
        return GW_OK;
    close_fd(&ret->in);
    close_fd(&ret->out);
    return gw_fail(err, rc == ENOENT ? GW_ENOTFOUND : GW_EIO, "starting %s: %s", argv[0],
                   strerror(rc));
}

/* Feed what it can take; a program that does not read its text to the end is its own business. */
static void feed(child *c, gw_str *text)
{
    ssize_t n = write(c->in, text->p, text->n);
    if (n > 0) {
        text->p += n;
        text->n -= (size_t)n;
    }
    if (text->n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(&c->in);
}

static gw_code drain(child *c, gw_buf *out, gw_err *err)
{
    char *to = gw_buf_reserve(out, READ_BYTES);
    if (!to)
        return gw_buf_code(out, "the speech", err);
    ssize_t n = read(c->out, to, READ_BYTES);
    if (n > 0)
        out->n += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        close_fd(&c->out);
    return GW_OK;
}

static gw_code exchange(child *c, gw_str text, int64_t until, gw_buf *out, gw_err *err)
{
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    fcntl(c->out, F_SETFL, O_NONBLOCK);
    while (c->out >= 0) {
        int64_t left = until - gw_mono_now().ms;
        if (left <= 0)
            return gw_fail(err, GW_ETIMEOUT, "speaking a text took too long");
        struct pollfd fds[] = {{c->out, POLLIN, 0}, {c->in, POLLOUT, 0}};
        if (poll(fds, c->in >= 0 ? 2 : 1, (int)left) < 0 && errno != EINTR)
            return gw_fail_errno(err, errno, "waiting for the speech");
        if (c->in >= 0 && fds[1].revents)
            feed(c, &text);
        gw_code rc = fds[0].revents ? drain(c, out, err) : GW_OK;
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

/* A program that has closed its output is given the rest of its time to end. */
static bool ended_well(pid_t pid, int64_t until)
{
    int status = 0;
    pid_t done;
    while ((done = waitpid(pid, &status, WNOHANG)) == 0 && gw_mono_now().ms < until)
        (void)poll(NULL, 0, 2);
    if (done == 0) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    return done == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

gw_code speak(const speak_config *c, gw_str locale, gw_str text, gw_buf *ret_wav, gw_err *err)
{
    char language[SPEAK_LANGUAGE_MAX];
    argv_words argv;
    child program;
    if (text.n > SPEAK_TEXT_MAX)
        return gw_fail(err, GW_ELIMIT, "the text to speak has more than %d bytes", SPEAK_TEXT_MAX);
    speak_language(c, locale, language);
    gw_code rc = split(c, language, &argv, err);
    if (rc == GW_OK)
        rc = start(argv.words, &program, err);
    if (rc != GW_OK)
        return rc;
    int64_t until = gw_mono_now().ms + c->limit_ms;
    rc = exchange(&program, text, until, ret_wav, err);
    close_fd(&program.in);
    close_fd(&program.out);
    if (!ended_well(program.pid, rc == GW_OK ? until : 0) && rc == GW_OK)
        rc = gw_fail(err, GW_EIO, "%s failed", argv.words[0]);
    return rc;
}
