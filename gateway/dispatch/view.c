#include "gateway/dispatch/view.h"

#include "gateway/policy/hours.h"

#include <strings.h>

int64_t view_int(gw_str s, int64_t otherwise)
{
    int64_t v = 0;
    bool minus = s.n && s.p[0] == '-';
    if (s.n == 0 || s.n > 19)
        return otherwise;
    for (size_t i = minus; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return otherwise;
        v = v * 10 + (s.p[i] - '0');
    }
    return minus ? -v : v;
}

static int64_t field_int(const state_hash *h, const char *name, int64_t otherwise)
{
    return view_int(state_get(h, name), otherwise);
}

static bool has_prefix(gw_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && memcmp(s.p, prefix, n) == 0;
}

static gw_str after(gw_str s, size_t n)
{
    return (gw_str){s.p + n, s.n - n};
}

static int32_t day_of(gw_str s)
{
    int32_t day;
    return s.n && gw_date_parse(s, &day, NULL) == GW_OK ? day : VIEW_NO_DAY;
}

static int64_t time_of(gw_str s, int64_t otherwise)
{
    gw_wall t;
    return s.n && gw_time_parse(s, &t, NULL) == GW_OK ? t.ms : otherwise;
}

/* ---- the debtor ---- */

typedef struct {
    view_debtor *d;
    gw_arena *arena;
    gw_err *err;
    view_contact *contacts;
    view_hold *holds;
    view_consent *consents;
    view_suppression *suppressions;
    view_window *windows;
    view_item *items;
    view_promise *promises;
    view_payment *payments;
    gw_str *disputed; /* items of open disputes; empty = the whole account */
    size_t disputed_n;
} debtor_reader;

static gw_code read_json(debtor_reader *r, const state_field *f, json_doc *ret)
{
    gw_code rc = json_parse(f->value, r->arena, ret, r->err);
    if (rc == GW_EINVAL || (rc == GW_OK && json_kind_of(ret, 0) != JSON_OBJECT))
        return gw_fail(r->err, GW_ECORRUPT, "stored field %.2s of a debtor is not a JSON object",
                       f->name.p);
    return rc;
}

static policy_standing standing_of(const json_doc *j, uint32_t contact)
{
    if (json_get_bool(j, contact, "leaked", false))
        return POLICY_ADDRESS_LEAKED;
    if (!json_member(j, contact, "verified"))
        return POLICY_ADDRESS_UNSTATED;
    return json_get_bool(j, contact, "verified", false) ? POLICY_ADDRESS_VERIFIED
                                                        : POLICY_ADDRESS_UNVERIFIED;
}

static gw_code read_body(debtor_reader *r, const state_field *f)
{
    json_doc j;
    gw_code rc = read_json(r, f, &j);
    if (rc != GW_OK)
        return rc;
    view_debtor *d = r->d;
    d->body = f->value;
    d->name = json_get_str(&j, 0, "name");
    d->role = json_get_str(&j, 0, "role");
    d->zone = json_get_str(&j, 0, "zone");
    d->region = json_get_str(&j, 0, "region");
    d->person = json_get_str(&j, 0, "person");
    d->locale = json_get_str(&j, 0, "locale");
    d->segment = json_get_str(&j, 0, "segment");
    uint32_t list = json_member(&j, 0, "contacts");
    if (!list || json_kind_of(&j, list) != JSON_ARRAY)
        return GW_OK;
    r->contacts = gw_arena_alloc(r->arena, (json_at(&j, list)->count + 1) * sizeof *r->contacts);
    if (!r->contacts)
        return gw_fail(r->err, GW_ENOMEM, "reading a debtor's contacts");
    for (uint32_t c = json_first(list); c < json_at(&j, list)->next; c = json_at(&j, c)->next)
        r->contacts[d->contact_n++] = (view_contact){
            .id = json_get_str(&j, c, "id"),
            .role = json_get_str(&j, c, "role"),
            .name = json_get_str(&j, c, "name"),
            .email = json_get_str(&j, c, "email"),
            .phone = json_get_str(&j, c, "phone"),
            .postal = json_get_str(&j, c, "postal"),
            .designated = json_get_bool(&j, c, "designated", false),
            .standing = standing_of(&j, c),
        };
    d->contacts = r->contacts;
    return GW_OK;
}

static gw_code read_hold(debtor_reader *r, const state_field *f)
{
    json_doc j;
    gw_code rc = read_json(r, f, &j);
    if (rc == GW_OK && !gw_str_is(json_get_str(&j, 0, "state"), "released"))
        r->holds[r->d->hold_n++] = (view_hold){
            .kind = after(f->name, 2),
            .until_ms = time_of(json_get_str(&j, 0, "until"), 0),
            .by = json_get_str(&j, 0, "by"),
            .reason = json_get_str(&j, 0, "reason"),
            .since_ms = json_get_int(&j, 0, "rx", 0),
        };
    return rc;
}

/* "<first>:<rest>" */
static void split_name(gw_str s, gw_str *ret_first, gw_str *ret_rest)
{
    const char *colon = memchr(s.p, ':', s.n);
    size_t n = colon ? (size_t)(colon - s.p) : s.n;
    *ret_first = (gw_str){s.p, n};
    *ret_rest = after(s, colon ? n + 1 : n);
}

static gw_code add_consent(debtor_reader *r, const state_field *f, gw_str name, gw_str purpose)
{
    json_doc j;
    gw_code rc = read_json(r, f, &j);
    if (rc != GW_OK)
        return rc;
    gw_str scope = json_get_str(&j, 0, "scope");
    view_consent c = {
        .purpose = purpose.n ? purpose : json_get_str(&j, 0, "purpose"),
        .scope = gw_str_is(scope, "all")       ? SCOPE_ALL
                 : gw_str_is(scope, "channel") ? SCOPE_CHANNEL
                 : gw_str_is(scope, "debt")    ? SCOPE_DEBT
                                               : SCOPE_ADDRESS,
        .granted = gw_str_is(json_get_str(&j, 0, "status"), "granted"),
        .at_ms = json_get_int(&j, 0, "at_ms", 0),
        .source = json_get_str(&j, 0, "source"),
    };
    split_name(name, &c.channel, &c.address);
    r->consents[r->d->consent_n++] = c;
    return GW_OK;
}

static gw_code read_consent(debtor_reader *r, const state_field *f)
{
    return add_consent(r, f, after(f->name, 2), (gw_str){NULL, 0});
}

static gw_code read_purpose_consent(debtor_reader *r, const state_field *f)
{
    gw_str purpose, name;
    split_name(after(f->name, 3), &purpose, &name);
    return add_consent(r, f, name, purpose);
}

/* A kind nobody knows counts as the hardest one. */
static view_listing listing_of(gw_str kind)
{
    return gw_str_is(kind, "bounce")       ? LISTED_BOUNCE
           : gw_str_is(kind, "unverified") ? LISTED_UNVERIFIED
           : gw_str_is(kind, "leaked")     ? LISTED_LEAKED
                                           : LISTED_LEGAL;
}

static gw_code read_suppression(debtor_reader *r, const state_field *f)
{
    json_doc j;
    gw_str kind, name;
    gw_code rc = read_json(r, f, &j);
    if (rc != GW_OK || gw_str_is(json_get_str(&j, 0, "status"), "lifted"))
        return rc;
    split_name(after(f->name, 2), &kind, &name);
    view_suppression x = {
        .kind = listing_of(kind),
        .at_ms = json_get_int(&j, 0, "at_ms", 0),
        .until_ms = json_get_int(&j, 0, "until_ms", 0),
    };
    split_name(name, &x.channel, &x.address);
    r->suppressions[r->d->suppression_n++] = x;
    return GW_OK;
}

static gw_code read_window(debtor_reader *r, const state_field *f)
{
    json_doc j;
    gw_code rc = read_json(r, f, &j);
    if (rc != GW_OK || gw_str_is(json_get_str(&j, 0, "state"), "released"))
        return rc;
    r->windows[r->d->window_n++] = (view_window){
        .name = after(f->name, 2),
        .channel = json_get_str(&j, 0, "channel"),
        .never = gw_str_is(json_get_str(&j, 0, "use"), "never"),
        .weekdays = hours_days(&j, json_member(&j, 0, "days")),
        .from = hours_minute(json_get_str(&j, 0, "from")),
        .to = hours_minute(json_get_str(&j, 0, "to")),
    };
    return GW_OK;
}

static gw_str raw_member(const json_doc *j, const char *name)
{
    uint32_t at = json_member(j, 0, name);
    return at ? json_raw(j, at) : (gw_str){NULL, 0};
}

static gw_code read_item(debtor_reader *r, const state_field *f)
{
    json_doc j;
    gw_code rc = read_json(r, f, &j);
    if (rc != GW_OK)
        return rc;
    gw_str standing = json_get_str(&j, 0, "state");
    view_item i = {
        .id = after(f->name, 2),
        .case_id = json_get_str(&j, 0, "case"),
        .currency = json_get_str(&j, 0, "currency"),
        .reference = json_get_str(&j, 0, "reference"),
        .description = json_get_str(&j, 0, "description"),
        .plan = raw_member(&j, "plan"),
        .terms = json_get_str(&j, 0, "terms"),
        .ladder = json_get_str(&j, 0, "ladder"),
        .due = day_of(json_get_str(&j, 0, "due")),
        .issued = day_of(json_get_str(&j, 0, "issued")),
        .amount = json_get_int(&j, 0, "amount_minor", 0),
        .paid = json_get_int(&j, 0, "paid_minor", 0),
        .contract = json_get_int(&j, 0, "contract_minor", 0),
        .closed = gw_str_is(standing, "closed"),
        .disputed = gw_str_is(standing, "disputed"),
    };
    i.settled = i.closed || gw_str_is(standing, "paid") || i.paid >= i.amount;
    r->items[r->d->item_n++] = i;
    return GW_OK;
}

static gw_code read_payment(debtor_reader *r, const state_field *f)
{
    json_doc j;
    gw_code rc = read_json(r, f, &j);
    if (rc == GW_OK)
        r->payments[r->d->payment_n++] = (view_payment){
            .id = after(f->name, 2),
            .item = json_get_str(&j, 0, "item"),
            .currency = json_get_str(&j, 0, "currency"),
            .amount = json_get_int(&j, 0, "amount_minor", 0),
            .at_ms = time_of(json_get_str(&j, 0, "at"), VIEW_NO_TIME),
        };
    return rc;
}

static gw_code read_promise(debtor_reader *r, const state_field *f)
{
    json_doc j;
    gw_code rc = read_json(r, f, &j);
    if (rc != GW_OK)
        return rc;
    gw_str standing = json_get_str(&j, 0, "state");
    r->promises[r->d->promise_n++] = (view_promise){
        .id = after(f->name, 2),
        .item = json_get_str(&j, 0, "item"),
        .date = day_of(json_get_str(&j, 0, "date")),
        .open = standing.n == 0 || gw_str_is(standing, "open"),
        .broken = gw_str_is(standing, "broken"),
        .body = f->value,
    };
    return GW_OK;
}

static gw_code read_dispute(debtor_reader *r, const state_field *f)
{
    json_doc j;
    gw_code rc = read_json(r, f, &j);
    if (rc == GW_OK && !gw_str_is(json_get_str(&j, 0, "state"), "resolved"))
        r->disputed[r->disputed_n++] = json_get_str(&j, 0, "item");
    return rc;
}

typedef struct {
    const char *prefix;
    gw_code (*read)(debtor_reader *, const state_field *);
} field_kind;

static const field_kind debtor_fields[] = {{"h:", read_hold},
                                           {"o:", read_consent},
                                           {"op:", read_purpose_consent},
                                           {"x:", read_suppression},
                                           {"w:", read_window}};
static const field_kind item_fields[] = {
    {"i:", read_item}, {"y:", read_payment}, {"m:", read_promise}, {"u:", read_dispute}};

static gw_code read_fields(debtor_reader *r, const state_hash *h, const field_kind *kinds,
                           size_t kind_n)
{
    for (size_t i = 0; i < h->n; i++)
        for (size_t k = 0; k < kind_n; k++) {
            if (!has_prefix(h->fields[i].name, kinds[k].prefix))
                continue;
            gw_code rc = kinds[k].read(r, &h->fields[i]);
            if (rc != GW_OK)
                return rc;
        }
    return GW_OK;
}

static bool make_room(debtor_reader *r, size_t debtor_n, size_t item_n)
{
    size_t a = debtor_n + 1;
    size_t b = item_n + 1;
    r->holds = gw_arena_alloc(r->arena, a * sizeof *r->holds);
    r->consents = gw_arena_alloc(r->arena, a * sizeof *r->consents);
    r->suppressions = gw_arena_alloc(r->arena, a * sizeof *r->suppressions);
    r->windows = gw_arena_alloc(r->arena, a * sizeof *r->windows);
    r->items = gw_arena_alloc(r->arena, b * sizeof *r->items);
    r->payments = gw_arena_alloc(r->arena, b * sizeof *r->payments);
    r->promises = gw_arena_alloc(r->arena, b * sizeof *r->promises);
    r->disputed = gw_arena_alloc(r->arena, b * sizeof *r->disputed);
    return r->holds && r->consents && r->suppressions && r->windows && r->items && r->payments &&
           r->promises && r->disputed;
}

gw_code view_debtor_read(const state_debtor *loaded, gw_arena *arena, view_debtor *ret, gw_err *err)
{
    view_debtor d = {
        .did = loaded->did,
        .version = (int64_t)loaded->debtor.version,
        .hash = &loaded->debtor,
        .source = state_get(&loaded->debtor, "src"),
        .id = state_get(&loaded->debtor, "deb"),
    };
    debtor_reader r = {.d = &d, .arena = arena, .err = err};
    if (!make_room(&r, loaded->debtor.n, loaded->items.n))
        return gw_fail(err, GW_ENOMEM, "reading a debtor");
    gw_str body = state_get(&loaded->debtor, "b");
    gw_code rc = GW_OK;
    if (body.n)
        rc = read_body(&r, &(state_field){GW_STR("b"), body});
    if (rc == GW_OK)
        rc = read_fields(&r, &loaded->debtor, debtor_fields, GW_COUNT(debtor_fields));
    if (rc == GW_OK)
        rc = read_fields(&r, &loaded->items, item_fields, GW_COUNT(item_fields));
    if (rc != GW_OK)
        return rc;
    for (size_t u = 0; u < r.disputed_n; u++)
        for (size_t i = 0; i < d.item_n; i++)
            if (r.disputed[u].n == 0 || gw_str_eq(r.disputed[u], r.items[i].id))
                r.items[i].disputed = true;
    d.holds = r.holds;
    d.consents = r.consents;
    d.suppressions = r.suppressions;
    d.windows = r.windows;
    d.items = r.items;
    d.payments = r.payments;
    d.promises = r.promises;
    *ret = d;
    return GW_OK;
}

/* ---- the reminder ---- */

static bool read_roles(const json_doc *j, const char *name, gw_str ret[VIEW_ROLES_MAX],
                       size_t *ret_n)
{
    uint32_t list = json_member(j, 0, name);
    if (!list || json_kind_of(j, list) != JSON_ARRAY)
        return true;
    if (json_at(j, list)->count > VIEW_ROLES_MAX)
        return false;
    for (uint32_t c = json_first(list); c < json_at(j, list)->next; c = json_at(j, c)->next)
        ret[(*ret_n)++] = json_str(j, c);
    return true;
}

static gw_code read_job(view_reminder *r, gw_arena *arena, gw_err *err)
{
    gw_code rc = json_parse(r->body, arena, &r->doc, err);
    if (rc == GW_ENOMEM || rc == GW_ELIMIT)
        return rc;
    r->readable = rc == GW_OK && json_kind_of(&r->doc, 0) == JSON_OBJECT;
    if (!r->readable)
        return GW_OK;
    const json_doc *j = &r->doc;
    r->template = json_get_str(j, 0, "template");
    r->purpose = json_get_str(j, 0, "purpose");
    r->to = json_get_str(j, 0, "to");
    r->address = json_get_str(j, 0, "address");
    r->locale = json_get_str(j, 0, "locale");
    uint32_t tone = json_member(j, 0, "tone");
    r->tone = tone ? json_raw(j, tone) : (gw_str){NULL, 0};
    r->item = json_get_str(j, 0, "item");
    r->ladder = json_get_str(j, 0, "ladder");
    r->step = json_get_str(j, 0, "step");
    r->step_kind = json_get_str(j, 0, "kind");
    r->deadline = json_get_str(j, 0, "deadline");
    uint32_t facts = json_member(j, 0, "facts");
    r->facts = facts && json_kind_of(j, facts) == JSON_OBJECT ? facts : 0;
    /* Fields written later (a ladder's gap) come before what the body said. */
    if (!r->not_before_ms)
        r->not_before_ms = time_of(json_get_str(j, 0, "not_before"), VIEW_NO_TIME);
    if (!r->not_after_ms)
        r->not_after_ms = time_of(json_get_str(j, 0, "not_after"), VIEW_NO_TIME);
    r->statement = json_get_str(j, 0, "statement");
    r->readable = read_roles(j, "cc", r->cc, &r->cc_n) &&
                  read_roles(j, "fallback", r->fallback, &r->fallback_n);
    return GW_OK;
}

gw_code view_reminder_read(const state_reminder *loaded, gw_arena *arena, view_reminder *ret,
                           gw_err *err)
{
    const state_hash *h = &loaded->reminder;
    gw_str letter = state_get(h, "s");
    gw_str kind = state_get(h, "k");
    view_reminder r = {
        .rid = loaded->rid,
        .version = (int64_t)h->version,
        .state = letter.n == 1 ? letter.p[0] : '\0',
        .kind = kind.n == 1 ? kind.p[0] : 'j',
        .source = state_get(h, "src"),
        .debtor = state_get(h, "deb"),
        .case_id = state_get(h, "cas"),
        .job = state_get(h, "job"),
        .channel = state_get(h, "ch"),
        .body = state_get(h, "b"),
        .accepted_ms = field_int(h, "at", VIEW_NO_TIME),
        .due_ms = field_int(h, "due", VIEW_NO_TIME),
        .ended_ms = field_int(h, "end", VIEW_NO_TIME),
        .not_before_ms = field_int(h, "nb", VIEW_NO_TIME),
        .not_after_ms = field_int(h, "na", VIEW_NO_TIME),
        .attempts = (int)field_int(h, "n", 0),
        .starts = (int)field_int(h, "st", 0),
        .failed = (int)field_int(h, "ft", 0),
        .tok = state_get(h, "tok"),
        .template_version = state_get(h, "tv"),
        .template_locale = state_get(h, "tl"),
        .why = state_get(h, "why"),
        .cap = state_get(h, "cap"),
        .given = state_get(h, "cg"),
        .plan = state_get(h, "plan"),
        .out = state_get(h, "out"),
        .agent = state_get(h, "ag"),
        .desk = state_get(h, "dk"),
        .rank = field_int(h, "rk", 0),
        .delivery = state_get(h, "y"),
    };
    if (h->version == 0)
        return gw_fail(err, GW_ENOTFOUND, "no such reminder");
    gw_code rc = read_job(&r, arena, err);
    if (rc == GW_OK)
        *ret = r;
    return rc;
}

/* ---- questions ---- */

bool view_is_task(const view_reminder *r)
{
    return gw_str_is(r->step_kind, "task") || gw_str_is(r->step_kind, "handoff");
}

const view_contact *view_contact_named(const view_debtor *d, gw_str to, gw_str channel)
{
    if (to.n == 0)
        to = GW_STR("primary");
    for (size_t i = 0; i < d->contact_n; i++)
        if (d->contacts[i].id.n && gw_str_eq(d->contacts[i].id, to))
            return &d->contacts[i];
    for (size_t i = 0; i < d->contact_n; i++)
        if (gw_str_eq(d->contacts[i].role, to) && view_contact_address(&d->contacts[i], channel).n)
            return &d->contacts[i];
    return NULL;
}

const view_contact *view_contact_with(const view_debtor *d, gw_str channel, gw_str address)
{
    for (size_t i = 0; i < d->contact_n; i++) {
        gw_str a = view_contact_address(&d->contacts[i], channel);
        if (a.n && a.n == address.n && strncasecmp(a.p, address.p, a.n) == 0)
            return &d->contacts[i];
    }
    return NULL;
}

gw_str view_contact_address(const view_contact *c, gw_str channel)
{
    bool posted = gw_str_is(channel, "letter") || gw_str_is(channel, "visit");
    return gw_str_is(channel, "email") ? c->email : posted ? c->postal : c->phone;
}

bool view_item_in_case(const view_item *i, gw_str case_id)
{
    return case_id.n && (gw_str_eq(i->id, case_id) || gw_str_eq(i->case_id, case_id));
}
