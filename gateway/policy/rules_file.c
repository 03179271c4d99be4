/* rules_file.c - one file of the rules with its signature. */
#include "gateway/policy/pack.h"
#include "gateway/policy/sign.h"

#include <stdio.h>

static gw_code add(policy_rules *r, policy_file_kind kind, const char *name, gw_str json,
                   const char **ret_canonical, gw_err *err)
{
    gw_code rc = GW_EINVAL;
    switch (kind) {
    case POLICY_FILE_CALENDAR:
        rc = policy_rules_add_calendar(r, name, json, err);
        if (rc == GW_OK)
            *ret_canonical = calendar_canonical(r->calendars[r->calendar_n - 1]);
        break;
    case POLICY_FILE_REGIONS:
        rc = policy_rules_add_regions(r, name, json, err);
        if (rc == GW_OK)
            *ret_canonical = regions_canonical(r->regions);
        break;
    case POLICY_FILE_PACK:
        rc = policy_rules_add_pack(r, name, json, err);
        if (rc == GW_OK)
            *ret_canonical = r->packs[r->pack_n - 1]->canonical;
        break;
    }
    return rc;
}

gw_code policy_rules_add_file(policy_rules *r, policy_file_kind kind, const char *name, gw_str json,
                              gw_str signature, const sign_keys *keys, gw_err *err)
{
    const char *canonical = NULL;
    if (r->file_n == PACK_FILES_MAX)
        return gw_fail(err, GW_ELIMIT, "%s: more than %d files of rules", name, PACK_FILES_MAX);
    GW_AUTO_FREE char *kept = signature.n ? strndup(signature.p, signature.n) : NULL;
    if (signature.n && !kept)
        return gw_fail(err, GW_ENOMEM, "reading %s", name);
    gw_code rc = add(r, kind, name, json, &canonical, err);
    if (rc != GW_OK)
        return rc;
    pack_file *f = &r->files[r->file_n++];
    const char *slash = strrchr(name, '/');
    snprintf(f->name, sizeof f->name, "%s", slash ? slash + 1 : name);
    f->canonical = canonical;
    f->signature =
        sign_check(gw_str_of(canonical), signature, keys ? keys->list : NULL, keys ? keys->n : 0);
    f->signed_text = kept;
    kept = NULL;
    if (kind == POLICY_FILE_PACK)
        r->packs[r->pack_n - 1]->signature = f->signature;
    return GW_OK;
}

const char *policy_rules_doubtful(const policy_rules *r, size_t n, policy_signature *ret)
{
    for (size_t i = 0; i < r->file_n; i++) {
        const pack_file *f = &r->files[i];
        if (f->signature == POLICY_SIGNED || n-- > 0)
            continue;
        *ret = f->signature;
        return f->name;
    }
    return NULL;
}

gw_code policy_rules_all_signed(const policy_rules *r, gw_err *err)
{
    policy_signature s;
    const char *file = policy_rules_doubtful(r, 0, &s);
    if (r->file_n == 0)
        return gw_fail(err, GW_EREFUSED, "the rules came from no file, so nobody signed them");
    if (!file)
        return GW_OK;
    return gw_fail(
        err, GW_EREFUSED,
        "%s %s, and rules.require_signature is set; look at it, then `dunlin rules sign`", file,
        s == POLICY_UNSIGNED ? "is not signed"
                             : "was changed after it was signed, or its key is not in keys/rules");
}
