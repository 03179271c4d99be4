/* bind.h - what somebody said at an address counts wherever that address is, now and later.
 *
 * A consent entry is folded into one debtor. But "stop" is said by whoever reads an address, and a
 * legal suppression is about the address: both bind every debtor who has it, in every billing
 * system of this gateway. One gateway is one sender; a billing system that writes in the name of
 * somebody else is set apart (sources.NAME.opt_outs "own"), and then withdrawals said to it or to
 * the others do not pass between them. Suppressions that are legal, and addresses that leaked, pass
 * always. An opt-out nobody can tell whom it was said to (a reply) counts for all.
 *
 * What binds: withdrawn, suppressed as legal, suppressed as leaked. Not: granted (a consent is
 * given to one debtor's sender for one account, and never spreads), bounce and unverified (whose
 * number it is differs between debtors). The scope goes along: address, channel, all; debt within
 * its own billing system. An entry that names no address (the debtor said "no more calls") binds
 * each address the debtor has there, as that address only.
 *
 * THE REGISTER. Hash dl:{NN}:d:<hash of the address> (state_mark_address, in the shard of the
 * hash; moved by state_apply like a debtor), one field per thing said:
 *     s:<26 characters>  {"status","suppression"?,"channel","scope","purpose"?,"debt"?,
 *                         "source","said","at_ms"}
 * The address itself is not in it. It is only read when a debtor is stored: what holds for a debtor
 * is always in the debtor's own ledger, so that planning, sending and explaining look in one place,
 * and every debtor that is bound has its own x-Consent record (id "address:" and a digest).
 *
 * ORDER OF WRITES, so that kill -9 between any two leaves nothing open:
 *     opt-out   register -> debtors who have the address -> the debtor it was said to -> answer
 *     debtor    marks -> register read, told to the debtor -> body stored -> register read again
 *               -> answer
 * Of an opt-out and a debtor that arrive at the same moment one sees the other: the opt-out writes
 * the register before it looks for debtors, the debtor writes its marks before it reads the
 * register. What was not answered is sent again, and everything here may happen twice. A debtor
 * that is told moves its version, so a reminder that was decided about before is decided again
 * before it gets GO.
 *
 * Thread: that of the store. Everything lives in the teller's arena. */
#ifndef INTAKE_BIND_H
#define INTAKE_BIND_H

#include "gateway/intake/tell.h"

#define BIND_SAID_REPLY "reply" /* member source of what came as a reply: said to all of them */

enum {
    BIND_FIELDS_MAX = 512, /* things said at one address; past it they are kept as scope all */
};

typedef struct {
    gw_str channel, address, scope; /* address is never empty */
    gw_str status, suppression, purpose, debt;
    gw_str source; /* the billing system it was said to; empty: to all of them */
    gw_str said;   /* member source of the entry: reply, call desk ... */
    int64_t at_ms;
} bind_entry;

/* The entries that a consent body (valid, of a debtor of this source) makes; *ret_n 0 when it binds
 * nobody. debtor: as stored, for its addresses. GW_ENOMEM. */
gw_code bind_entries(const teller *t, gw_str source, const state_debtor *debtor,
                     const json_doc *body, bind_entry **ret, size_t *ret_n, gw_err *err)
    GW_NODISCARD;

/* Into the register, durably. record: goes with it in the same step, or NULL. */
gw_code bind_put(const teller *t, const bind_entry *e, const state_record *record, gw_err *err)
    GW_NODISCARD;

/* Everything that precedes the entry itself: register, and the other debtors. */
gw_code bind_said(const teller *t, const gw_id *did, gw_str source, const state_debtor *debtor,
                  const json_doc *body, gw_err *err) GW_NODISCARD;

/* A debtor about to be stored, or just stored. */
typedef struct {
    gw_id did;
    gw_str source, debtor;
    const json_doc *body;
} bind_debtor;

/* Tell these debtors what is in the register about their addresses. */
gw_code bind_debtors(const teller *t, const bind_debtor *list, size_t n, gw_err *err) GW_NODISCARD;

/* bind_entry.c: the register's stored form and the ledger's body of an entry. Pure. */
void bind_entry_name(const teller *t, const bind_entry *e, char ret_name[GW_ID_TEXT + 2]);
gw_code bind_entry_write(const bind_entry *e, gw_buf *ret, gw_err *err) GW_NODISCARD;
gw_code bind_entry_read(gw_str stored, gw_str address, gw_arena *arena, bind_entry *ret,
                        gw_err *err) GW_NODISCARD;
gw_code bind_entry_body(const teller *t, const bind_entry *e, gw_str debtor, gw_buf *ret,
                        gw_err *err) GW_NODISCARD;
/* Is the address one of the entry's channel? "No more e-mail", said by SMS, has one that is not. */
bool bind_entry_fits(const bind_entry *e);
/* Does it count for debtors of this billing system? */
bool bind_entry_counts(const bind_apart *apart, const bind_entry *e, gw_str source);

#endif
