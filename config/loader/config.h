/* config.h - the configuration file as one immutable value.
 *
 * config/dunlin.jsonc is JSON with comments. Every setting is a row of the table in config.c: key,
 * type, default, bounds and why; an unknown key is refused by name, a value outside its bounds is
 * refused with both. `config_describe` prints the rows, so that the manual cannot drift.
 *
 * Paths: what the gateway writes lies below the data folder; what operators edit (schema, rules,
 * ladders, calendars) lies beside the configuration file, templates beside its folder unless
 * "templates.dir" says otherwise. Relative paths in the file are relative to the file's folder.
 *
 * Thread: load once, read from anywhere. */
#ifndef DUNLIN_CONFIG_H
#define DUNLIN_CONFIG_H

#include "gateway/base/buf.h"

enum {
    CONFIG_FILE_BYTES = 1 << 20,
    CONFIG_SOURCES_MAX = 256,
    CONFIG_PATH_BYTES = 1024,
};

/* One billing system and the creditor it speaks for. */
typedef struct {
    const char *name;   /* as in keys/clients/NAME.pub; "*" is the row for every other source */
    const char *ladder; /* file name in ladders/ without .jsonc */
    const char *locale; /* fallback for debtors without one, e.g. "en" */
    gw_str creditor;    /* JSON object {name,email,phone?,address?,payment?[]}, shown to debtors */
    gw_str signature;   /* JSON object {name,title} or empty */
    const char *timing; /* "on" or "off": are best hours and scores predicted and learned? */
    const char *sender; /* "creditor", "third-party", or "" not said */
    const char *opt_outs; /* "shared" with the other sources, or its "own" */
} config_source;

typedef struct {
    const char *file; /* absolute path of the file read */
    const char *dir;  /* its folder */
    const char *data; /* absolute data folder */
    char hash[65];    /* lower-case hex SHA-256 of the file, for the evidence */

    bool clock_movable;
    const char *clock_start; /* RFC 3339; "" = the system's time at the first start */

    const char *intake_endpoint; /* ZeroMQ endpoint, e.g. tcp://127.0.0.1:7310 */
    int64_t intake_outbox_max;   /* records per shard that may wait for the recorder before busy */
    int64_t intake_retry_after_ms;

    const char *worker_endpoint;
    const char *worker_channels; /* comma separated: channels that workers are expected for */
    int64_t worker_heartbeat_ms;
    int64_t worker_lost_ms;

    const char *redis_socket; /* absolute; "" means host and port */
    const char *redis_host;
    int64_t redis_port;
    const char *redis_password_file;
    int64_t redis_timeout_ms;
    bool redis_private; /* `dunlin up` starts a redis-server of its own */

    const char *evidence_origin;
    const char *evidence_node;

    int64_t retry_first_ms;
    int64_t retry_ceiling_ms;
    int64_t retry_attempts;
    int64_t poison_starts;
    int64_t lease_ttl_ms;
    int64_t recovery_grace_ms;
    int64_t bounce_days; /* a bounce keeps its address out of use so long */

    bool rules_require_signature;

    const char *timing_model;
    int64_t timing_holdout;
    int64_t timing_capacity_email, timing_capacity_sms, timing_capacity_voice; /* an hour; 0 none */
    int64_t timing_fit_hour;                                                   /* UTC; -1 never */
    const char *willing_model_7;
    const char *willing_model_30;

    const char *templates_dir;
    const char *default_locale;

    const char *email_transport; /* "outbox" or "smtp" */
    const char *email_from_name;
    const char *email_from_address;
    const char *email_reply_to;
    const char *email_unsubscribe_mailto;
    const char *email_unsubscribe_url;
    int64_t email_sessions;
    int64_t email_credit;
    const char *email_pdf; /* "yes" or "no": attach the PDF beside the CSV */
    const char *smtp_host;
    int64_t smtp_port;
    const char *smtp_tls; /* "none", "opportunistic" or "required" */
    const char *smtp_user;
    const char *smtp_password_file;
    const char *smtp_ca_file;
    const char *smtp_hostname; /* EHLO name */
    int64_t smtp_timeout_ms;
    bool smtp_dsn;

    const char *sms_transport; /* "outbox" or "provider" */
    const char *sms_providers;
    const char *sms_callback_url;
    int64_t sms_validity_max_ms;
    int64_t sms_sessions;
    int64_t sms_credit;
    int64_t sms_parts_max;

    const char *voice_transport; /* "outbox", "sip", "ari" or "provider" */
    const char *voice_providers, *voice_callback_url;
    int64_t voice_credit;
    int64_t voice_lines;
    int64_t voice_ring_ms, voice_answer_ms;
    int64_t voice_rounds;
    int64_t voice_promise_days;
    int64_t voice_no_answer_ms, voice_busy_ms, voice_call_back_ms; /* until the next try */
    const char *tts_command, *tts_voices;
    int64_t tts_limit_ms;
    const char *ari_provider, *ari_sounds;
    const char *sip_gateway;  /* host or host:port */
    const char *sip_protocol; /* "udp", "tcp" or "tls" */
    const char *sip_local;    /* address to listen on; empty: baresip chooses */
    const char *sip_user, *sip_domain, *sip_auth_user, *sip_password_file;
    const char *sip_program, *sip_modules;
    int64_t desk_lease_ms;
    int64_t desk_call_ms;
    int64_t desk_again_ms;
    int64_t desk_attempts;
    int64_t desk_per_agent;

    const char *http_endpoint; /* "" = run/http.socket in the data folder */
    const char *http_public_url;
    const char *http_providers; /* comma separated */
    int64_t http_connections;
    int64_t http_connections_per_ip;
    int64_t http_idle_ms;
    int64_t http_body_max;
    int64_t http_inbox_max;
    int64_t receipt_give_up_ms;

    config_source *sources;
    size_t source_n;
} config;

/* Read file (NULL: no file, defaults only; paths then lie below data). Errors name the file, the
 * key and the remedy. The value lives until config_free. */
gw_code config_load(const char *file, const char *data, config **ret, gw_err *err) GW_NODISCARD;
void config_free(config *c);
GW_CLEANUP_FUNC(config, config_free)

/* The row of a source, or the "*" row, or the built-in one: never NULL. */
const config_source *config_source_of(const config *c, gw_str name);

/* Path of a file below the data folder or the configuration's folder: "keys/log.key". */
void config_data_path(const config *c, const char *name, char ret_path[CONFIG_PATH_BYTES]);
void config_dir_path(const config *c, const char *name, char ret_path[CONFIG_PATH_BYTES]);

/* Find config/dunlin.jsonc: $DUNLIN_CONFIG, then share/dunlin/config beside the program's prefix,
 * then config/ in a folder above the program (a build tree). GW_ENOTFOUND names what was tried. */
gw_code config_find(char ret_path[CONFIG_PATH_BYTES], gw_err *err) GW_NODISCARD;

/* One line per setting: key, type, default, bounds, why. */
gw_code config_describe(gw_buf *ret);

#endif
