#include "gateway/base/log.h"
#include "workers/email/smtp_run.h"

/* Is a whole reply there (RFC 5321 §4.2: its last line has a space behind the code), and how much
 * stands behind it? */
static bool reply_is_whole(const smtp_run *r, size_t *ret_behind)
{
    for (size_t at = 0; at < r->reply_n;) {
        const char *end = memchr(r->reply + at, '\n', r->reply_n - at);
        size_t next = end ? (size_t)(end - r->reply) + 1 : r->reply_n;
        if (!end)
            return false;
        if (next - at < 4 || r->reply[at + 3] != '-') {
            *ret_behind = r->reply_n - next;
            return true;
        }
        at = next;
    }
    return false;
}

/* Plain text behind the answer to STARTTLS would be taken for text that came over TLS: libESMTP
 * keeps what it has read (the response injection of CVE-2021-38371). */
static void watch_starttls(smtp_run *r)
{
    size_t behind = 0;
    bool whole = reply_is_whole(r, &behind);
    if (behind > 0 || r->reply_n == sizeof r->reply) {
        gw_log(GW_LOG_WARN, "plain text behind the answer to STARTTLS, line cut", NULL);
        r->injected = true;
        line_cut(r->line);
    }
    if (whole && r->reply[0] == '2')
        r->at = AT_HANDSHAKE;
}

/* Sees both directions in plain text, so nothing of what we say is kept: it may be a password. */
void smtp_traffic(const char *buf, int n, int writing, void *arg)
{
    static const struct {
        const char *verb;
        smtp_phase at;
    } verbs[] = {{"STARTTLS", AT_STARTTLS}, {"AUTH", AT_AUTH}, {"MAIL", AT_MESSAGES}};
    smtp_run *r = arg;
    if (r->at == AT_MESSAGES || r->quitting || n <= 0)
        return;
    if (writing) {
        r->quitting = n >= 4 && memcmp(buf, "QUIT", 4) == 0;
        for (size_t i = 0; i < GW_COUNT(verbs); i++)
            if ((size_t)n >= strlen(verbs[i].verb) &&
                memcmp(buf, verbs[i].verb, strlen(verbs[i].verb)) == 0)
                r->at = verbs[i].at;
        r->replied_to = true;
        return;
    }
    if (r->replied_to)
        r->reply_n = 0;
    r->replied_to = false;
    size_t room = sizeof r->reply - r->reply_n;
    size_t kept = (size_t)n < room ? (size_t)n : room;
    memcpy(r->reply + r->reply_n, buf, kept);
    r->reply_n += kept;
    if (r->at == AT_STARTTLS)
        watch_starttls(r);
}
