/* optout_part.h - what the files of optout share: the words and the folding. Inside of optout.h. */
#ifndef POLICY_OPTOUT_PART_H
#define POLICY_OPTOUT_PART_H

#include "gateway/base/arena.h"
#include "gateway/policy/optout.h"

typedef enum {
    WORD_STOP_WHOLE,
    WORD_STOP_WITHIN,
    WORD_REVIEW,
    WORD_HELP_WHOLE,
    WORD_HELP_WITHIN,
    WORD_PROMISE_WHOLE,
    WORD_PROMISE_WITHIN,
    WORD_NEGATION,
    WORD_QUOTE,
    WORD_OWN,
    WORD_USE_COUNT
} word_use;

typedef struct {
    gw_str text; /* folded */
    word_use use;
    optout_scope scope;
    const char *channel, *why, *language;
} optout_word;

struct optout_words {
    gw_arena *arena;
    optout_word *list; /* OPTOUT_PHRASES_MAX */
    size_t n;
    const char *languages[OPTOUT_LANGUAGES_MAX];
    size_t language_n;
};

/* Append s in NFKC, case folded, apostrophes left out, everything that is no letter, mark or digit
 * one space, none at the ends. False: out of memory or room. */
bool optout_fold(gw_str s, gw_buf *ret);
/* Does phrase stand in text at or behind `from` as whole words? Its offset, or SIZE_MAX. */
size_t optout_find(gw_str text, gw_str phrase, size_t from);

#endif
