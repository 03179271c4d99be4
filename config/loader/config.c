#include "config/loader/config.h"

#include "gateway/base/file.h"
#include "gateway/base/id.h"
#include "gateway/base/json.h"
#include "gateway/base/jsonc.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

enum { CONFIG_ARENA_BYTES = 16 << 20 };

/* The arena lies behind the public value, so that one free gives all back. */
typedef struct {
    config value;
    gw_arena *arena;
} owned_config;

typedef enum { SET_BOOL, SET_COUNT, SET_MS, SET_PORT, SET_TEXT, SET_PATH, SET_WORD } setting_type;

static const char *const type_names[] = {
    [SET_BOOL] = "true|false", [SET_COUNT] = "count", [SET_MS] = "milliseconds",
    [SET_PORT] = "port",       [SET_TEXT] = "text",   [SET_PATH] = "path",
    [SET_WORD] = "word",
};

typedef struct {
    const char *key;
    setting_type type;
    size_t at;
    int64_t number;   /* default of numbers and booleans */
    const char *text; /* default of texts; for SET_WORD "default|other|other" */
    int64_t min, max; /* of numbers; of texts the longest */
    const char *why;
} setting;

#define AT(field) offsetof(config, field)
static const setting settings[] = {
    /* clang-format off */
    {"clock.movable", SET_BOOL, AT(clock_movable), 0, NULL, 0, 1, "lets an operator stop and move the clock; for replays and tests, never in production"},
    {"clock.start", SET_TEXT, AT(clock_start), 0, "", 0, 35, "where a movable clock stands at the first start, e.g. 2013-01-01T00:00:00Z"},
    {"intake.endpoint", SET_TEXT, AT(intake_endpoint), 0, "", 0, 200, "where billing systems connect; empty: a socket in the data folder"},
    {"intake.outbox_max", SET_COUNT, AT(intake_outbox_max), 20000, NULL, 100, 10000000, "records per shard waiting for the evidence log before intake answers busy"},
    {"intake.retry_after_ms", SET_MS, AT(intake_retry_after_ms), 500, NULL, 10, 600000, "what busy asks a billing system to wait"},
    {"workers.endpoint", SET_TEXT, AT(worker_endpoint), 0, "", 0, 200, "where workers connect; empty: a socket in the data folder"},
    {"workers.channels", SET_TEXT, AT(worker_channels), 0, "email", 1, 60, "channels that workers are expected for, e.g. email,sms; others hold with no-worker (dunlin up --with sets it)"},
    {"workers.heartbeat_ms", SET_MS, AT(worker_heartbeat_ms), 1000, NULL, 50, 60000, "how often both sides say that they live"},
    {"workers.lost_ms", SET_MS, AT(worker_lost_ms), 5000, NULL, 200, 600000, "silence after which a worker counts as lost"},
    {"redis.socket", SET_PATH, AT(redis_socket), 0, "", 0, 200, "Unix socket of Redis; empty with private: in the data folder"},
    {"redis.host", SET_TEXT, AT(redis_host), 0, "", 0, 255, "host of your own Redis, when not private"},
    {"redis.port", SET_PORT, AT(redis_port), 6379, NULL, 1, 65535, "port of your own Redis"},
    {"redis.password_file", SET_PATH, AT(redis_password_file), 0, "", 0, 1000, "file with the password, mode 0600"},
    {"redis.timeout_ms", SET_MS, AT(redis_timeout_ms), 5000, NULL, 100, 120000, "silence after which a call's effect is unknown"},
    {"redis.private", SET_BOOL, AT(redis_private), 1, NULL, 0, 1, "dunlin up runs a redis-server of its own"},
    {"evidence.origin", SET_TEXT, AT(evidence_origin), 0, "dunlin.example.test/log", 1, 200, "name of the log in its signed checkpoints; choose it once"},
    {"evidence.node", SET_TEXT, AT(evidence_node), 0, "node-1", 1, 64, "name of this machine in records"},
    {"retry.first_ms", SET_MS, AT(retry_first_ms), 30000, NULL, 1000, 3600000, "greylisting usually clears in minutes"},
    {"retry.ceiling_ms", SET_MS, AT(retry_ceiling_ms), 14400000, NULL, 60000, 86400000, "longest pause between two attempts"},
    {"retry.attempts", SET_COUNT, AT(retry_attempts), 8, NULL, 1, 50, "attempts before a reminder is parked"},
    {"retry.poison_starts", SET_COUNT, AT(poison_starts), 3, NULL, 1, 20, "workers that may be lost over one reminder before it is parked"},
    {"dispatch.lease_ttl_ms", SET_MS, AT(lease_ttl_ms), 5000, NULL, 500, 60000, "how long a silent dispatcher keeps its shards"},
    {"dispatch.recovery_grace_ms", SET_MS, AT(recovery_grace_ms), 3000, NULL, 0, 600000, "time for workers to repeat outcomes after a gateway restart"},
    {"suppression.bounce_days", SET_COUNT, AT(bounce_days), 90, NULL, 1, 3650, "a bounce without an end of its own keeps its address out of use so long"},
    {"rules.require_signature", SET_BOOL, AT(rules_require_signature), 0, NULL, 0, 1, "refuse, at the start and when rules change, a rule pack, calendar or prefix table that no key in keys/rules signed"},
    {"desk.lease_ms", SET_MS, AT(desk_lease_ms), 900000, NULL, 60000, 86400000, "an agent that took a task and says nothing gives it back after this"},
    {"desk.call_ms", SET_MS, AT(desk_call_ms), 3600000, NULL, 60000, 86400000, "a call that was begun and not told about becomes unknown after this"},
    {"desk.again_ms", SET_MS, AT(desk_again_ms), 14400000, NULL, 60000, 604800000, "nobody reached: tried again at the earliest after this"},
    {"desk.attempts", SET_COUNT, AT(desk_attempts), 3, NULL, 1, 20, "tries of one task that reach nobody before it is given up"},
    {"desk.tasks_per_agent", SET_COUNT, AT(desk_per_agent), 1, NULL, 1, 100, "tasks one agent may hold at a time"},
    {"http.endpoint", SET_TEXT, AT(http_endpoint), 0, "", 0, 200, "where the HTTP API listens, e.g. 127.0.0.1:7380; TLS is the work of a proxy in front; empty: a socket in the data folder"},
    {"http.public_url", SET_TEXT, AT(http_public_url), 0, "", 0, 400, "as others reach it through that proxy, https://... without a slash at the end; signatures and unsubscribe links need it"},
    {"http.providers", SET_TEXT, AT(http_providers), 0, "", 0, 400, "files of providers/ that may call /hooks, separated by commas"},
    {"http.connections", SET_COUNT, AT(http_connections), 512, NULL, 8, 65536, "HTTP connections side by side"},
    {"http.connections_per_ip", SET_COUNT, AT(http_connections_per_ip), 512, NULL, 1, 65536, "of one address; a proxy is one address"},
    {"http.idle_ms", SET_MS, AT(http_idle_ms), 30000, NULL, 1000, 600000, "a connection that says nothing so long is closed"},
    {"http.body_max", SET_COUNT, AT(http_body_max), 4194304, NULL, 65536, 33554432, "bytes of one API request"},
    {"http.inbox_max", SET_COUNT, AT(http_inbox_max), 100000, NULL, 100, 10000000, "receipts and replies that may wait to be booked before callbacks are answered 503"},
    {"receipts.give_up_ms", SET_MS, AT(receipt_give_up_ms), 86400000, NULL, 60000, 2592000000, "a receipt that matches nothing, or that nobody confirms, is recorded as such after this"},
    {"willing.model_7", SET_PATH, AT(willing_model_7), 0, "", 0, 1000, "model of paying within 7 days, as `dunlin timing score --save` writes it; empty: the built-in one"},
    {"willing.model_30", SET_PATH, AT(willing_model_30), 0, "", 0, 1000, "the same for 30 days"},
    {"timing.model", SET_PATH, AT(timing_model), 0, "", 0, 1000, "model of the best hour, as `dunlin timing fit` writes it; empty: every channel's preferred minute"},
    {"timing.capacity_email", SET_COUNT, AT(timing_capacity_email), 0, NULL, 0, 100000000, "mails planned for one hour at most, spread evenly over its minutes; those who gain most keep a shared best hour; 0: no limit"},
    {"timing.capacity_sms", SET_COUNT, AT(timing_capacity_sms), 0, NULL, 0, 100000000, "the same of SMS"},
    {"timing.capacity_voice", SET_COUNT, AT(timing_capacity_voice), 0, NULL, 0, 100000000, "the same of automated calls"},
    {"timing.fit_hour", SET_COUNT, AT(timing_fit_hour), 2, NULL, -1, 23, "hour of the gateway's clock (UTC) at which the model is fitted by itself every night; -1: never"},
    {"timing.holdout_percent", SET_COUNT, AT(timing_holdout), 4, NULL, 0, 50, "debtors who get a random allowed hour, so that the gain can be shown"},
    {"templates.dir", SET_PATH, AT(templates_dir), 0, "", 0, 1000, "folder of message templates; empty: templates/ beside the configuration's folder"},
    {"templates.locale", SET_TEXT, AT(default_locale), 0, "en", 2, 16, "language when the debtor's is not there"},
    {"email.transport", SET_WORD, AT(email_transport), 0, "outbox|smtp", 0, 0, "outbox writes .eml files and contacts nobody"},
    {"email.from_name", SET_TEXT, AT(email_from_name), 0, "Accounts receivable", 1, 200, "display name of the sender"},
    {"email.from_address", SET_TEXT, AT(email_from_address), 0, "receivables@creditor.example.test", 3, 254, "sender's address"},
    {"email.reply_to", SET_TEXT, AT(email_reply_to), 0, "", 0, 254, "where answers go; empty: the sender"},
    {"email.unsubscribe_mailto", SET_TEXT, AT(email_unsubscribe_mailto), 0, "stop@creditor.example.test", 0, 254, "List-Unsubscribe address"},
    {"email.unsubscribe_url", SET_TEXT, AT(email_unsubscribe_url), 0, "", 0, 500, "one-click List-Unsubscribe address (https)"},
    {"email.sessions", SET_COUNT, AT(email_sessions), 4, NULL, 1, 256, "SMTP sessions side by side"},
    {"email.credit", SET_COUNT, AT(email_credit), 256, NULL, 1, 65536, "tasks a worker may hold"},
    {"email.pdf", SET_WORD, AT(email_pdf), 0, "yes|no", 0, 0, "attach statements as PDF; detailed ones carry the CSV too, and with no it is the CSV alone"},
    {"email.smtp.host", SET_TEXT, AT(smtp_host), 0, "127.0.0.1", 1, 255, "relay"},
    {"email.smtp.port", SET_PORT, AT(smtp_port), 25, NULL, 1, 65535, "relay's port; implicit TLS (465) is not supported"},
    {"email.smtp.tls", SET_WORD, AT(smtp_tls), 0, "required|opportunistic|none", 0, 0, "STARTTLS"},
    {"email.smtp.user", SET_TEXT, AT(smtp_user), 0, "", 0, 254, "AUTH user; empty: no AUTH"},
    {"email.smtp.password_file", SET_PATH, AT(smtp_password_file), 0, "", 0, 1000, "file with the AUTH password, mode 0600"},
    {"email.smtp.ca_file", SET_PATH, AT(smtp_ca_file), 0, "", 0, 1000, "trusted certificates; empty: the system's"},
    {"email.smtp.hostname", SET_TEXT, AT(smtp_hostname), 0, "gateway.example.test", 1, 255, "EHLO name"},
    {"email.smtp.timeout_ms", SET_MS, AT(smtp_timeout_ms), 60000, NULL, 1000, 600000, "silence of the relay after which the session is given up"},
    {"email.smtp.dsn", SET_BOOL, AT(smtp_dsn), 1, NULL, 0, 1, "ask for delivery status notifications (RFC 3461) when offered"},
    {"sms.transport", SET_WORD, AT(sms_transport), 0, "outbox|provider", 0, 0, "outbox writes files and contacts nobody; provider uses sms.providers"},
    {"sms.providers", SET_TEXT, AT(sms_providers), 0, "", 0, 500, "files of config/providers in the order of preference, e.g. kannel,generic"},
    {"sms.validity_max_ms", SET_MS, AT(sms_validity_max_ms), 86400000, NULL, 120000, 259200000, "longest a message may wait for its handset; the window's end caps it besides"},
    {"sms.callback_url", SET_TEXT, AT(sms_callback_url), 0, "", 0, 400, "where providers send receipts; empty: /hooks of http.public_url, and without that none are asked for"},
    {"sms.sessions", SET_COUNT, AT(sms_sessions), 1, NULL, 1, 64, "sending threads"},
    {"sms.credit", SET_COUNT, AT(sms_credit), 512, NULL, 1, 65536, "tasks a worker may hold"},
    {"sms.parts_max", SET_COUNT, AT(sms_parts_max), 10, NULL, 1, 10, "joined parts of one SMS (3GPP TS 23.040); a longer text is refused"},
    {"voice.transport", SET_WORD, AT(voice_transport), 0, "outbox|sip|ari|provider", 0, 0, "outbox writes script and sound and calls nobody"},
    {"voice.providers", SET_TEXT, AT(voice_providers), 0, "", 0, 500, "files of config/providers in the order of preference; they tell the limited message only"},
    {"voice.callback_url", SET_TEXT, AT(voice_callback_url), 0, "", 0, 400, "where providers reach /hooks; empty: no receipts are asked for"},
    {"voice.credit", SET_COUNT, AT(voice_credit), 512, NULL, 1, 65536, "calls a worker may have outstanding at providers"},
    {"voice.lines", SET_COUNT, AT(voice_lines), 2, NULL, 1, 64, "calls side by side, with sip or ari"},
    {"voice.ring_ms", SET_MS, AT(voice_ring_ms), 30000, NULL, 5000, 120000, "how long it rings before nobody answered"},
    {"voice.answer_ms", SET_MS, AT(voice_answer_ms), 6000, NULL, 1000, 60000, "time for a key after a question was spoken"},
    {"voice.rounds", SET_COUNT, AT(voice_rounds), 2, NULL, 1, 5, "how often a question is spoken"},
    {"voice.promise_days", SET_COUNT, AT(voice_promise_days), 7, NULL, 1, 31, "the key for a promise stands for payment within so many days"},
    {"voice.no_answer_ms", SET_MS, AT(voice_no_answer_ms), 14400000, NULL, 60000, 604800000, "until the next try after nobody answered"},
    {"voice.busy_ms", SET_MS, AT(voice_busy_ms), 900000, NULL, 60000, 604800000, "until the next try after busy or a failure of the carrier"},
    {"voice.call_back_ms", SET_MS, AT(voice_call_back_ms), 86400000, NULL, 3600000, 604800000, "after the key call me later: no call before so long; then the best moment that is allowed"},
    {"voice.tts.command", SET_TEXT, AT(tts_command), 0, "espeak-ng --stdout -s 140 -v {language}", 1, 500, "speaks its standard input as WAV; words by blanks, no shell"},
    {"voice.tts.voices", SET_TEXT, AT(tts_voices), 0, "zh=cmn", 0, 500, "what stands for {language} where it is not the language's code"},
    {"voice.tts.limit_ms", SET_MS, AT(tts_limit_ms), 20000, NULL, 100, 120000, "for speaking one text"},
    {"voice.ari.provider", SET_TEXT, AT(ari_provider), 0, "asterisk-ari", 1, 48, "file of config/providers that says how the Asterisk is reached"},
    {"voice.ari.sounds", SET_TEXT, AT(ari_sounds), 0, "", 0, 900, "folder, absolute, where parts are put for Asterisk to play; it must be there and be readable for both, under the same name"},
    {"voice.sip.gateway", SET_TEXT, AT(sip_gateway), 0, "", 0, 255, "SIP trunk that calls go to, host or host:port"},
    {"voice.sip.protocol", SET_WORD, AT(sip_protocol), 0, "udp|tcp|tls", 0, 0, "of the trunk"},
    {"voice.sip.local", SET_TEXT, AT(sip_local), 0, "", 0, 64, "address to listen on; empty: that of the default route"},
    {"voice.sip.user", SET_TEXT, AT(sip_user), 0, "dunlin", 1, 64, "user part of our SIP address, usually the number we call from"},
    {"voice.sip.domain", SET_TEXT, AT(sip_domain), 0, "gateway.example.test", 1, 255, "domain of our SIP address"},
    {"voice.sip.auth_user", SET_TEXT, AT(sip_auth_user), 0, "", 0, 64, "user of digest authentication; empty: none"},
    {"voice.sip.password_file", SET_PATH, AT(sip_password_file), 0, "", 0, 1000, "file with the trunk's password, mode 0600"},
    {"voice.sip.program", SET_TEXT, AT(sip_program), 0, "baresip", 1, 500, "baresip 1.0 (Debian package baresip-core)"},
    {"voice.sip.modules", SET_TEXT, AT(sip_modules), 0, "/usr/lib/baresip/modules", 1, 500, "folder of its modules"},
    /* clang-format on */
};

typedef struct {
    const char *key;
    size_t at;
    json_kind kind;
    const char *why;
} source_setting;

static const source_setting source_settings[] = {
    {"ladder", offsetof(config_source, ladder), JSON_STRING, "ladder file in ladders/"},
    {"locale", offsetof(config_source, locale), JSON_STRING, "language of debtors without one"},
    {"creditor", offsetof(config_source, creditor), JSON_OBJECT, "who the reminders come from"},
    {"signature", offsetof(config_source, signature), JSON_OBJECT, "who signs letters"},
    {"timing", offsetof(config_source, timing), JSON_STRING,
     "on, or off: no best hours and scores are predicted or learned (dunlin timing off, too)"},
    {"sender", offsetof(config_source, sender), JSON_STRING,
     "creditor (its own debts) or third-party; not said: the rules for both apply"},
    {"opt_outs", offsetof(config_source, opt_outs), JSON_STRING,
     "shared: one sender with the other sources; own: a sender of its own"},
};

/* Settings of a source that are one word of two. */
static const struct {
    const char *key, *words[2];
} source_words[] = {{"timing", {"on", "off"}},
                    {"sender", {"creditor", "third-party"}},
                    {"opt_outs", {"shared", "own"}}};

static const char built_in_creditor[] =
    "{\"email\":\"receivables@creditor.example.test\",\"name\":\"Example Creditor\"}";

static const config_source built_in_source = {
    .name = "*",
    .ladder = "default",
    .locale = "en",
    .creditor = {built_in_creditor, sizeof built_in_creditor - 1},
    .signature = {"", 0},
    .timing = "on",
    .sender = "",
    .opt_outs = "shared",
};

static const char *keep(owned_config *o, gw_str s)
{
    return gw_arena_copy(o->arena, s);
}

static const char *keep_path(owned_config *o, const char *dir, const char *name)
{
    char path[CONFIG_PATH_BYTES];
    int n = name[0] == '/' ? snprintf(path, sizeof path, "%s", name)
                           : snprintf(path, sizeof path, "%s/%s", dir, name);
    return n < (int)sizeof path ? keep(o, gw_str_of(path)) : NULL;
}

static gw_code out_of_memory(gw_err *err)
{
    return gw_fail(err, GW_ENOMEM, "loading configuration: out of memory");
}

static void put_number(config *c, const setting *s, int64_t v)
{
    if (s->type == SET_BOOL)
        *(bool *)((char *)c + s->at) = v != 0;
    else
        *(int64_t *)((char *)c + s->at) = v;
}

static bool is_text(const setting *s)
{
    return s->type == SET_TEXT || s->type == SET_PATH || s->type == SET_WORD;
}

static gw_code set_defaults(owned_config *o, gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(settings); i++) {
        const setting *s = &settings[i];
        if (!is_text(s)) {
            put_number(&o->value, s, s->number);
            continue;
        }
        size_t n = s->type == SET_WORD ? strcspn(s->text, "|") : strlen(s->text);
        const char *text = keep(o, (gw_str){s->text, n});
        if (!text)
            return out_of_memory(err);
        *(const char **)((char *)&o->value + s->at) = text;
    }
    return GW_OK;
}

static bool word_allowed(const char *words, gw_str word)
{
    for (const char *p = words; *p; p += *p == '|') {
        size_t n = strcspn(p, "|");
        if (gw_str_eq((gw_str){p, n}, word))
            return true;
        p += n;
    }
    return false;
}

static gw_code set_text(owned_config *o, const setting *s, gw_str value, gw_err *err)
{
    if (memchr(value.p, '\n', value.n) || memchr(value.p, '\r', value.n))
        return gw_fail(err, GW_EINVAL, "%s: line breaks are not allowed in it", s->key);
    if (s->type == SET_WORD && !word_allowed(s->text, value))
        return gw_fail(err, GW_EINVAL, "%s: is not one of %s", s->key, s->text);
    if (s->type != SET_WORD && ((int64_t)value.n < s->min || (int64_t)value.n > s->max))
        return gw_fail(err, GW_EINVAL, "%s: must have %lld to %lld bytes", s->key,
                       (long long)s->min, (long long)s->max);
    const char *text = keep(o, value);
    if (text && s->type == SET_PATH && value.n)
        text = keep_path(o, o->value.dir, text);
    if (!text)
        return out_of_memory(err);
    *(const char **)((char *)&o->value + s->at) = text;
    return GW_OK;
}

static gw_code set_value(owned_config *o, const setting *s, const json_doc *d, uint32_t node,
                         gw_err *err)
{
    json_kind kind = json_kind_of(d, node);
    if (is_text(s))
        return kind == JSON_STRING ? set_text(o, s, json_str(d, node), err)
                                   : gw_fail(err, GW_EINVAL, "%s: must be a string", s->key);
    if (s->type == SET_BOOL) {
        if (kind != JSON_TRUE && kind != JSON_FALSE)
            return gw_fail(err, GW_EINVAL, "%s: must be true or false", s->key);
        put_number(&o->value, s, kind == JSON_TRUE);
        return GW_OK;
    }
    int64_t v = json_at(d, node)->i;
    if (kind != JSON_INT || v < s->min || v > s->max)
        return gw_fail(err, GW_EINVAL, "%s: must be a whole number from %lld to %lld", s->key,
                       (long long)s->min, (long long)s->max);
    put_number(&o->value, s, v);
    return GW_OK;
}

static gw_code walk(owned_config *o, const json_doc *d, uint32_t object, const char *prefix,
                    gw_err *err);

static gw_code set_member(owned_config *o, const json_doc *d, uint32_t name, const char *prefix,
                          gw_err *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s%s%.*s", prefix, *prefix ? "." : "",
             GW_STR_ARG(json_raw(d, name)));
    size_t n = strlen(key);
    bool section = false;
    for (size_t i = 0; i < GW_COUNT(settings); i++) {
        if (strcmp(settings[i].key, key) == 0)
            return set_value(o, &settings[i], d, name + 1, err);
        section |= strncmp(settings[i].key, key, n) == 0 && settings[i].key[n] == '.';
    }
    if (!section)
        return gw_fail(err, GW_EINVAL, "unknown setting %s; `dunlin doctor --settings` lists them",
                       key);
    if (json_kind_of(d, name + 1) != JSON_OBJECT)
        return gw_fail(err, GW_EINVAL, "%s: must be an object", key);
    return walk(o, d, name + 1, key, err);
}

static gw_code walk(owned_config *o, const json_doc *d, uint32_t object, const char *prefix,
                    gw_err *err)
{
    for (uint32_t at = json_first(object); at < json_at(d, object)->next;
         at = json_at(d, at + 1)->next) {
        if (!*prefix && gw_str_is(json_raw(d, at), "sources"))
            continue;
        gw_code rc = set_member(o, d, at, prefix, err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static gw_code check_source_word(const config_source *src, const char *key, const char *value,
                                 gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(source_words); i++) {
        const char *const *words = source_words[i].words;
        if (strcmp(source_words[i].key, key) == 0 && strcmp(value, words[0]) != 0 &&
            strcmp(value, words[1]) != 0)
            return gw_fail(err, GW_EINVAL, "sources.%s.%s: %s or %s is expected", src->name, key,
                           words[0], words[1]);
    }
    return GW_OK;
}

static gw_code set_source_member(owned_config *o, config_source *src, const json_doc *d,
                                 uint32_t name, gw_err *err)
{
    for (size_t i = 0; i < GW_COUNT(source_settings); i++) {
        const source_setting *s = &source_settings[i];
        if (!gw_str_is(json_raw(d, name), s->key))
            continue;
        if (json_kind_of(d, name + 1) != s->kind)
            return gw_fail(err, GW_EINVAL, "sources.%s.%s: wrong type (%s)", src->name, s->key,
                           s->why);
        gw_str value = s->kind == JSON_STRING ? json_str(d, name + 1) : json_raw(d, name + 1);
        const char *kept = keep(o, value);
        if (!kept)
            return out_of_memory(err);
        gw_code rc = check_source_word(src, s->key, kept, err);
        if (rc != GW_OK)
            return rc;
        if (s->kind == JSON_STRING)
            *(const char **)((char *)src + s->at) = kept;
        else
            *(gw_str *)((char *)src + s->at) = (gw_str){kept, value.n};
        return GW_OK;
    }
    return gw_fail(err, GW_EINVAL, "unknown setting sources.%s.%.*s", src->name,
                   GW_STR_ARG(json_raw(d, name)));
}

static gw_code set_sources(owned_config *o, const json_doc *d, gw_err *err)
{
    uint32_t all = json_member(d, 0, "sources");
    if (!all)
        return GW_OK;
    if (json_kind_of(d, all) != JSON_OBJECT || json_at(d, all)->count > CONFIG_SOURCES_MAX)
        return gw_fail(err, GW_EINVAL, "sources: must be an object of at most %d sources",
                       CONFIG_SOURCES_MAX);
    config *c = &o->value;
    c->sources = gw_arena_alloc(o->arena, (json_at(d, all)->count + 1) * sizeof *c->sources);
    if (!c->sources)
        return out_of_memory(err);
    for (uint32_t at = json_first(all); at < json_at(d, all)->next; at = json_at(d, at + 1)->next) {
        config_source *src = &c->sources[c->source_n++];
        *src = built_in_source;
        src->name = keep(o, json_str(d, at));
        if (!src->name)
            return out_of_memory(err);
        if (json_kind_of(d, at + 1) != JSON_OBJECT)
            return gw_fail(err, GW_EINVAL, "sources.%s: must be an object", src->name);
        for (uint32_t m = json_first(at + 1); m < json_at(d, at + 1)->next;
             m = json_at(d, m + 1)->next) {
            gw_code rc = set_source_member(o, src, d, m, err);
            if (rc != GW_OK)
                return rc;
        }
    }
    return GW_OK;
}

static gw_code read_file(owned_config *o, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, CONFIG_FILE_BYTES);
    gw_code rc = gw_file_read(o->value.file, &text, err);
    if (rc != GW_OK)
        return rc;
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)text.data, text.n);
    gw_hex(digest, sizeof digest, o->value.hash);
    json_doc d;
    rc = json_strip_comments(&text, err);
    if (rc == GW_OK)
        rc = json_parse(gw_buf_str(&text), o->arena, &d, err);
    if (rc == GW_OK && json_kind_of(&d, 0) != JSON_OBJECT)
        rc = gw_fail(err, GW_EINVAL, "must be one JSON object");
    if (rc == GW_OK)
        rc = walk(o, &d, 0, "", err);
    if (rc == GW_OK)
        rc = set_sources(o, &d, err);
    return rc == GW_OK ? GW_OK : gw_wrap(err, rc, "%s", o->value.file);
}

/* What an empty setting means once the folders are known. */
static gw_code fill_places(owned_config *o, gw_err *err)
{
    config *c = &o->value;
    const struct {
        const char **where;
        const char *format, *dir;
    } places[] = {
        {&c->intake_endpoint, "ipc://%s/run/intake.sock", c->data},
        {&c->worker_endpoint, "ipc://%s/run/workers.sock", c->data},
        {&c->templates_dir, "%s/../templates", c->dir},
        {&c->redis_socket, "%s/run/redis.sock", c->data},
    };
    size_t n = GW_COUNT(places) - (c->redis_private ? 0 : 1);
    for (size_t i = 0; i < n; i++) {
        if (**places[i].where)
            continue;
        GW_AUTO_BUF gw_buf b;
        gw_buf_init(&b, CONFIG_PATH_BYTES);
        for (const char *p = places[i].format; *p; p++) {
            if (p[0] == '%' && p[1] == 's') {
                gw_buf_puts(&b, places[i].dir);
                p++;
            } else {
                gw_buf_putc(&b, *p);
            }
        }
        *places[i].where = keep(o, gw_buf_str(&b));
        if (!*places[i].where)
            return out_of_memory(err);
    }
    if (!c->redis_private && !*c->redis_socket && !*c->redis_host)
        return gw_fail(err, GW_EINVAL, "redis.private is false: set redis.socket or redis.host");
    return GW_OK;
}

static gw_code absolute(owned_config *o, const char *path, const char **ret, gw_err *err)
{
    char cwd[PATH_MAX];
    if (path[0] != '/' && !getcwd(cwd, sizeof cwd))
        return gw_fail(err, GW_EIO, "the current folder cannot be read");
    *ret = path[0] == '/' ? keep(o, gw_str_of(path)) : keep_path(o, cwd, path);
    return *ret ? GW_OK : out_of_memory(err);
}

static gw_code load(owned_config *o, const char *file, const char *data, gw_err *err)
{
    config *c = &o->value;
    gw_code rc = absolute(o, data, &c->data, err);
    if (rc != GW_OK)
        return rc;
    c->dir = c->data;
    c->file = "";
    memset(c->hash, '0', sizeof c->hash - 1);
    if (file) {
        rc = absolute(o, file, &c->file, err);
        if (rc != GW_OK)
            return rc;
        const char *slash = strrchr(c->file, '/');
        c->dir = keep(o, (gw_str){c->file, (size_t)(slash - c->file)});
        if (!c->dir)
            return out_of_memory(err);
    }
    rc = set_defaults(o, err);
    if (rc == GW_OK && file)
        rc = read_file(o, err);
    return rc == GW_OK ? fill_places(o, err) : rc;
}

gw_code config_load(const char *file, const char *data, config **ret, gw_err *err)
{
    owned_config *o = calloc(1, sizeof *o);
    if (!o)
        return out_of_memory(err);
    o->arena = gw_arena_new(CONFIG_ARENA_BYTES);
    gw_code rc = o->arena ? load(o, file, data, err) : out_of_memory(err);
    if (rc != GW_OK) {
        config_free(&o->value);
        return rc;
    }
    *ret = &o->value;
    return GW_OK;
}

void config_free(config *c)
{
    if (!c)
        return;
    owned_config *o = (owned_config *)c;
    gw_arena_free(o->arena);
    free(o);
}

const config_source *config_source_of(const config *c, gw_str name)
{
    const config_source *star = &built_in_source;
    for (size_t i = 0; i < c->source_n; i++) {
        if (gw_str_is(name, c->sources[i].name))
            return &c->sources[i];
        if (strcmp(c->sources[i].name, "*") == 0)
            star = &c->sources[i];
    }
    return star;
}

void config_data_path(const config *c, const char *name, char ret_path[CONFIG_PATH_BYTES])
{
    snprintf(ret_path, CONFIG_PATH_BYTES, "%s/%s", c->data, name);
}

void config_dir_path(const config *c, const char *name, char ret_path[CONFIG_PATH_BYTES])
{
    snprintf(ret_path, CONFIG_PATH_BYTES, "%s/%s", c->dir, name);
}

gw_code config_find(char ret_path[CONFIG_PATH_BYTES], gw_err *err)
{
    const char *named = getenv("DUNLIN_CONFIG");
    if (named && *named) {
        snprintf(ret_path, CONFIG_PATH_BYTES, "%s", named);
        return access(ret_path, R_OK) == 0
                   ? GW_OK
                   : gw_fail(err, GW_ENOTFOUND, "DUNLIN_CONFIG names a file that cannot be read");
    }
    char exe[CONFIG_PATH_BYTES - 64];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n < 0)
        return gw_fail(err, GW_EIO, "the program's own place cannot be read; use --config FILE");
    exe[n] = '\0';
    for (char *slash = strrchr(exe, '/'); slash && slash != exe; slash = strrchr(exe, '/')) {
        static const char *const places[] = {"share/dunlin/config/dunlin.jsonc",
                                             "config/dunlin.jsonc"};
        *slash = '\0';
        for (size_t i = 0; i < GW_COUNT(places); i++) {
            snprintf(ret_path, CONFIG_PATH_BYTES, "%s/%s", exe, places[i]);
            if (access(ret_path, R_OK) == 0)
                return GW_OK;
        }
    }
    return gw_fail(err, GW_ENOTFOUND,
                   "no config/dunlin.jsonc above the program; use --config FILE or DUNLIN_CONFIG");
}

gw_code config_describe(gw_buf *ret)
{
    for (size_t i = 0; i < GW_COUNT(settings); i++) {
        const setting *s = &settings[i];
        gw_buf_printf(ret, "%-28s %-12s ", s->key, type_names[s->type]);
        if (s->type == SET_BOOL)
            gw_buf_printf(ret, "default %s", s->number ? "true" : "false");
        else if (is_text(s))
            gw_buf_printf(ret, "default \"%s\"", s->text);
        else
            gw_buf_printf(ret, "default %lld, %lld to %lld", (long long)s->number,
                          (long long)s->min, (long long)s->max);
        gw_buf_printf(ret, "; %s\n", s->why);
    }
    return ret->code;
}
