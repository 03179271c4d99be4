/* view.h - what the state store holds about one debtor and one reminder, read once into plain
 * structs; everything that decides or renders works from these and parses nothing again.
 *
 * Text that cannot be read is never an empty view: a debtor whose facts are unreadable is an error
 * (its reminders are held), a reminder whose body is no JSON says so (it is parked).
 *
 * Ownership: strings and arrays borrow the loaded hashes and the arena. Pure; any thread. */
#ifndef GATEWAY_DISPATCH_VIEW_H
#define GATEWAY_DISPATCH_VIEW_H

#include "gateway/base/json.h"
#include "gateway/base/time.h"
#include "gateway/policy/policy.h"
#include "gateway/state/state.h"

enum { VIEW_NO_DAY = INT32_MIN, VIEW_ROLES_MAX = 16 };
#define VIEW_NO_TIME INT64_C(0) /* an absent time, as in policy_facts */

typedef struct {
    gw_str id, role, name, email, phone, postal;
    bool designated;
    policy_standing standing; /* as billing states it */
} view_contact;

typedef struct {
    gw_str kind;
    int64_t until_ms; /* 0: until released */
    gw_str by, reason;
    int64_t since_ms;
} view_hold;

typedef enum { SCOPE_ADDRESS, SCOPE_DEBT, SCOPE_CHANNEL, SCOPE_ALL } view_scope;

typedef struct {
    gw_str channel, address, purpose; /* purpose may be empty: every purpose */
    view_scope scope;
    bool granted;
    int64_t at_ms; /* of two entries that cover an address the later one holds */
    gw_str source;
} view_consent; /* SCOPE_DEBT: address is the item or case */

/* An address that must not, or cannot, be used. */
typedef enum { LISTED_LEGAL, LISTED_LEAKED, LISTED_BOUNCE, LISTED_UNVERIFIED } view_listing;
typedef struct {
    view_listing kind;
    gw_str channel, address; /* "*": every one */
    int64_t at_ms, until_ms; /* until_ms of a bounce, 0: by the setting */
} view_suppression;

/* Hours the debtor stated, in its own local time; minutes, from < to. */
typedef struct {
    gw_str name, channel; /* channel empty: every one */
    bool never;
    uint8_t weekdays; /* bit 0 Monday */
    int16_t from, to;
} view_window;

typedef struct {
    gw_str id, case_id, currency, reference, description, terms, ladder;
    gw_str plan;         /* instalments that may be offered, JSON array; empty: none */
    int32_t due, issued; /* VIEW_NO_DAY when absent */
    int64_t amount, paid, contract;
    bool settled;  /* paid in full or closed: nothing is asked for it any more */
    bool closed;   /* settled because billing closed it, not because it was paid */
    bool disputed; /* itself, or by an open dispute of the item or of the whole account */
} view_item;

typedef struct {
    gw_str id, item; /* item empty: the whole account */
    int32_t date;
    bool open, broken;
    gw_str body;
} view_promise;

typedef struct {
    gw_str id, item, currency;
    int64_t amount, at_ms;
} view_payment;

typedef struct {
    gw_id did;
    int64_t version; /* of the aggregate; 0: the debtor is not known */
    gw_str source, id, name, role, zone, region, person, locale, segment, body;
    const view_contact *contacts;
    size_t contact_n;
    const view_hold *holds;
    size_t hold_n;
    const view_consent *consents;
    size_t consent_n;
    const view_suppression *suppressions;
    size_t suppression_n;
    const view_window *windows;
    size_t window_n;
    const view_item *items; /* by item id */
    size_t item_n;
    const view_promise *promises;
    size_t promise_n;
    const view_payment *payments;
    size_t payment_n;
    const state_hash *hash;        /* for the cap counters */
    gw_id person_id;               /* with person_hash only */
    const state_hash *person_hash; /* the person's counters (person.h), NULL: none or not loaded */
} view_debtor;

/* One reminder: the stored fields and the read body. */
typedef struct {
    gw_id rid;
    int64_t version;
    char state, kind; /* kind 'j' submitted job, 'l' step of a ladder */
    gw_str source, debtor, case_id, job, channel, body;
    int64_t accepted_ms, due_ms, ended_ms, not_before_ms,
        not_after_ms;     /* VIEW_NO_TIME when absent */
    int attempts, starts; /* starts: claims since the last outcome */
    int failed;           /* attempts that ended "later" since it was planned or retried */
    gw_str tok, template_version, template_locale, why, cap, plan, out;
    gw_str given;    /* caps of the last attempt that gave them back, as cap */
    gw_str delivery; /* field y: what became of it after it left (delivery.h) */

    bool readable; /* false: the stored body is no JSON object; only what is above counts */
    json_doc doc;  /* of the body */
    gw_str template, purpose, to, locale, tone;
    gw_str address; /* only this address of the debtor; the gateway's own answers */
    gw_str cc[VIEW_ROLES_MAX], fallback[VIEW_ROLES_MAX];
    size_t cc_n, fallback_n;
    gw_str item, ladder, step, step_kind, statement; /* ladder steps only */
    gw_str agent, desk; /* of a task: who has or had it; what the desk remembers, JSON (desk.h) */
    gw_str deadline;    /* day by which it was promised, yyyy-mm-dd; empty: none */
    int64_t rank;
    uint32_t facts; /* node of the body's facts object, 0 if none */
} view_reminder;

/* GW_ECORRUPT the stored text is not what Dunlin writes; GW_ENOMEM. */
gw_code view_debtor_read(const state_debtor *loaded, gw_arena *arena, view_debtor *ret, gw_err *err)
    GW_NODISCARD;
/* GW_ENOTFOUND no such reminder; GW_ENOMEM. */
gw_code view_reminder_read(const state_reminder *loaded, gw_arena *arena, view_reminder *ret,
                           gw_err *err) GW_NODISCARD;

/* Is it work for a person (a call, a visit, a hand-off) and not for a worker? */
bool view_is_task(const view_reminder *r);
/* The contact a job names: by id, else the first of that role that has an address on the channel;
 * "" is the role primary. NULL if there is none. */
const view_contact *view_contact_named(const view_debtor *d, gw_str to, gw_str channel);
/* The contact that has this address on the channel (mail without case), or NULL. */
const view_contact *view_contact_with(const view_debtor *d, gw_str channel, gw_str address);
/* The address of a contact on a channel, n 0 when it has none. */
gw_str view_contact_address(const view_contact *c, gw_str channel);
/* A stored decimal integer; otherwise when it is none. */
int64_t view_int(gw_str s, int64_t otherwise);
/* Is this item the subject of the case (its id, or its case)? */
bool view_item_in_case(const view_item *i, gw_str case_id);

#endif
