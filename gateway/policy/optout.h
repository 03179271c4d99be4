/* optout.h - what somebody who was contacted says back: stop, help, a promise, or words a person
 * must read.
 *
 * Closed rather than open: a keyword alone, or a plain wish to be left alone, is an opt-out at
 * once; words that may mean one ("please cancel that", "how do I unsubscribe?", "I do not want to
 * stop") and words that change what may be done (dispute, lawyer, death, wrong number) ask for a
 * person, and until that person has looked the contact is held by the caller. Everything else is
 * `other`.
 *
 * The words are data, one file per language in config/optout/; all languages are tried on every
 * message, because nobody writes in the language we expect:
 *   {"format": 1, "language": "en",
 *    "stop":     [{"scope": "address" | "channel" | "debt" | "all", "channel"?: "sms" | ...,
 *                  "whole": ["stop", ...], "within": ["do not contact me", ...]}],
 *    "review":   [{"why": "dispute", "within": ["..."]}],
 *    "help":     {"whole": [...], "within": [...]},
 *    "promise":  {"whole": [...], "within": [...]},
 *    "negations": ["don't", ...],   before a "within" of stop: a person looks
 *    "quotes":    ["wrote:", ...],  a line that begins or ends so starts the quoted message
 *    "own":       ["reply stop to opt out", ...]}  words of our own texts, not the sender's
 * whole: the whole message, or its first line. within: anywhere, as whole words. Compared after
 * Unicode NFKC and case folding, punctuation apart. A "channel" says what the words are about when
 * that is not the channel they came by ("stop calling me").
 *
 * Sources: 47 CFR 64.1200(a)(10) names stop, quit, end, revoke, opt out, cancel, unsubscribe as
 * conclusive; TD, T, N, R are customary on Chinese short messages. Other wordings are ours.
 *
 * Pure. Thread: build in one thread; after that nothing changes and any thread may classify. */
#ifndef POLICY_OPTOUT_H
#define POLICY_OPTOUT_H

#include "gateway/base/buf.h"

enum {
    OPTOUT_FILE_BYTES_MAX = 128 * 1024, /* one language's file */
    OPTOUT_LANGUAGES_MAX = 32,
    OPTOUT_PHRASES_MAX = 4000, /* of all languages */
    OPTOUT_PHRASE_MAX = 120,   /* bytes of one phrase */
    OPTOUT_TEXT_MAX = 8192,    /* bytes looked at; a longer message is also read by a person */
    OPTOUT_NAME_MAX = 32,      /* bytes of a language or a `why` */
};

typedef enum {
    OPTOUT_OTHER,
    OPTOUT_HELP,    /* asks who we are or what this is */
    OPTOUT_PROMISE, /* says when or that it pays: shown to people, never booked by itself */
    OPTOUT_REVIEW,  /* a person must read it; hold the contact until then */
    OPTOUT_STOP,    /* withdraw the consent now */
} optout_kind;

/* Wider ones later. */
typedef enum { OPTOUT_ADDRESS, OPTOUT_DEBT, OPTOUT_CHANNEL, OPTOUT_ALL } optout_scope;

typedef struct {
    optout_kind kind;
    optout_scope scope;   /* STOP */
    const char *channel;  /* STOP: what it is about; "": the channel it came by */
    const char *why;      /* stable word: "keyword", "wording", "maybe-opt-out", "dispute", ...; ""
                             for OTHER */
    const char *also;     /* STOP: what a person must look at besides ("dispute"), or "" */
    const char *language; /* of the words that decided; "" for OTHER */
} optout_verdict;

typedef struct optout_words optout_words;

optout_words *optout_words_new(void); /* NULL when out of memory */
void optout_words_free(optout_words *w);
GW_CLEANUP_FUNC(optout_words, optout_words_free)
/* Add one file's text (with comments); name is what errors call it. GW_EINVAL, GW_ELIMIT, GW_EEXIST
 * a language twice, GW_ENOMEM. After a failure the set must not be used. */
gw_code optout_words_add(optout_words *w, const char *name, gw_str text, gw_err *err) GW_NODISCARD;
/* All *.jsonc of a folder (optout_load.c: the only part that touches files). GW_ENOTFOUND when it
 * has none: without words no message can be understood, so callers refuse to start. */
gw_code optout_words_load(const char *dir, optout_words **ret, gw_err *err) GW_NODISCARD;

/* Total: any bytes get a verdict; broken UTF-8 is read as far as it goes. Without memory: REVIEW,
 * "unread". The strings of the verdict are the words' or static. */
void optout_classify(const optout_words *w, gw_str text, optout_verdict *ret);

const char *optout_kind_name(optout_kind k);   /* "other", "help", "promise", "review", "stop" */
const char *optout_scope_name(optout_scope s); /* "address", "debt", "channel", "all" */

#endif
