#include "gateway/policy/optout_part.h"

enum {
    FOLDED_MAX = 4 * OPTOUT_TEXT_MAX, /* NFKC may lengthen */
    NEGATION_REACH = 24,              /* bytes before a phrase in which a negation turns it round */
};

/* ---- what the sender wrote, without what was quoted ---- */

static bool is_quote_line(const optout_words *w, gw_str line)
{
    for (size_t i = 0; i < w->n; i++) {
        gw_str q = w->list[i].text;
        if (w->list[i].use != WORD_QUOTE || q.n > line.n)
            continue;
        if (memcmp(line.p, q.p, q.n) == 0 || memcmp(line.p + line.n - q.n, q.p, q.n) == 0)
            return true;
    }
    return false;
}

static gw_str next_line(gw_str *rest)
{
    const char *end = memchr(rest->p, '\n', rest->n);
    gw_str line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t used = line.n + (end != NULL);
    *rest = (gw_str){rest->p + used, rest->n - used};
    return line;
}

static bool begins_with_quote_mark(gw_str line)
{
    size_t i = 0;
    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
        i++;
    return i < line.n && line.p[i] == '>';
}

typedef struct {
    gw_buf text;  /* folded lines, joined by spaces */
    size_t first; /* bytes of the first line that says anything */
} own_words;

/* Quoted text is left out only behind words
 * of the sender: a message that is nothing but a quotation is read as it is. */
static bool read_own_words(const optout_words *w, gw_str text, own_words *own)
{
    gw_buf *ret = &own->text;
    GW_AUTO_BUF gw_buf folded;
    gw_buf_init(&folded, FOLDED_MAX);
    for (gw_str rest = text; rest.n;) {
        gw_str line = next_line(&rest);
        gw_buf_clear(&folded);
        if (ret->n && begins_with_quote_mark(line))
            continue;
        if (!optout_fold(line, &folded))
            return false;
        if (ret->n && folded.n && is_quote_line(w, gw_buf_str(&folded)))
            break;
        if (folded.n && ret->n)
            gw_buf_putc(ret, ' ');
        gw_buf_put_str(ret, gw_buf_str(&folded));
        if (!own->first)
            own->first = ret->n;
    }
    return ret->code == GW_OK;
}

/* Our own words that came back unmarked say nothing about what the sender wants. */
static void blank_own(const optout_words *w, gw_buf *text)
{
    for (size_t i = 0; i < w->n; i++) {
        const optout_word *own = &w->list[i];
        if (own->use != WORD_OWN || own->text.n == text->n)
            continue;
        for (size_t at = 0; (at = optout_find(gw_buf_str(text), own->text, at)) != SIZE_MAX;
             at += own->text.n)
            memset(text->data + at, '\n', own->text.n);
    }
}

/* ---- looking ---- */

typedef struct {
    const optout_words *w;
    gw_str text, first;
} reading;

static bool is_said_whole(const reading *r, gw_str word)
{
    return gw_str_eq(r->text, word) || gw_str_eq(r->first, word);
}

static bool is_negated(const reading *r, size_t at)
{
    const optout_words *w = r->w;
    gw_str text = r->text;
    size_t from = at > NEGATION_REACH ? at - NEGATION_REACH : 0;
    while (from < at && ((unsigned char)text.p[from] & 0xc0) == 0x80)
        from++; /* not inside of a character */
    gw_str before = {text.p + from, at - from};
    for (size_t i = 0; i < w->n; i++)
        if (w->list[i].use == WORD_NEGATION && optout_find(before, w->list[i].text, 0) != SIZE_MAX)
            return true;
    return false;
}

static void take(optout_verdict *v, const optout_word *word, optout_kind kind, const char *why)
{
    *v = (optout_verdict){kind, word->scope, word->channel, why, "", word->language};
}

/* Two wishes at once: the wider one, and of two different channels everything. */
static void take_stop(optout_verdict *v, const optout_word *word, const char *why)
{
    if (v->kind != OPTOUT_STOP) {
        take(v, word, OPTOUT_STOP, why);
        return;
    }
    bool apart = word->scope == OPTOUT_CHANNEL && v->scope == OPTOUT_CHANNEL &&
                 strcmp(word->channel, v->channel) != 0;
    if (word->scope > v->scope)
        take(v, word, OPTOUT_STOP, v->why);
    if (apart)
        v->scope = OPTOUT_ALL;
}

static void look_stop(const reading *r, optout_verdict *v)
{
    const optout_words *w = r->w;
    const optout_word *doubtful = NULL;
    for (size_t i = 0; i < w->n; i++) {
        const optout_word *word = &w->list[i];
        if (word->use == WORD_STOP_WHOLE && is_said_whole(r, word->text))
            take_stop(v, word, "keyword");
        if (word->use != WORD_STOP_WITHIN)
            continue;
        for (size_t at = 0; (at = optout_find(r->text, word->text, at)) != SIZE_MAX;
             at += word->text.n) {
            if (is_negated(r, at))
                doubtful = word;
            else
                take_stop(v, word, "wording");
        }
    }
    if (v->kind != OPTOUT_STOP && doubtful)
        take(v, doubtful, OPTOUT_REVIEW, "maybe-opt-out");
}

/* The first word of that use that was said; NULL if none. */
static const optout_word *look(const reading *r, word_use use, bool whole)
{
    for (size_t i = 0; i < r->w->n; i++) {
        const optout_word *word = &r->w->list[i];
        if (word->use == use && (whole ? is_said_whole(r, word->text)
                                       : optout_find(r->text, word->text, 0) != SIZE_MAX))
            return word;
    }
    return NULL;
}

static void look_review(const reading *r, optout_verdict *v)
{
    const optout_word *word = look(r, WORD_REVIEW, false);
    if (!word)
        return;
    if (v->kind == OPTOUT_OTHER)
        take(v, word, OPTOUT_REVIEW, word->why);
    else if (v->kind == OPTOUT_STOP && strcmp(word->why, "maybe-opt-out") != 0)
        v->also = word->why;
}

static void look_answers(const reading *r, optout_verdict *v)
{
    static const struct {
        word_use use;
        bool whole;
        optout_kind kind;
    } rows[] = {
        {WORD_HELP_WHOLE, true, OPTOUT_HELP},
        {WORD_HELP_WITHIN, false, OPTOUT_HELP},
        {WORD_PROMISE_WHOLE, true, OPTOUT_PROMISE},
        {WORD_PROMISE_WITHIN, false, OPTOUT_PROMISE},
    };
    for (size_t i = 0; i < GW_COUNT(rows) && v->kind == OPTOUT_OTHER; i++) {
        const optout_word *word = look(r, rows[i].use, rows[i].whole);
        if (word)
            take(v, word, rows[i].kind, word->why);
    }
}

void optout_classify(const optout_words *w, gw_str text, optout_verdict *ret)
{
    own_words own = {.first = 0};
    bool cut = text.n > OPTOUT_TEXT_MAX;
    optout_verdict v = {OPTOUT_OTHER, OPTOUT_ADDRESS, "", "", "", ""};
    gw_buf_init(&own.text, FOLDED_MAX);
    if (cut)
        text.n = OPTOUT_TEXT_MAX;
    if (read_own_words(w, text, &own)) {
        blank_own(w, &own.text);
        gw_str said = gw_buf_str(&own.text);
        const reading r = {w, said, {said.p, own.first}};
        look_stop(&r, &v);
        look_review(&r, &v);
        look_answers(&r, &v);
        if (cut && v.kind != OPTOUT_STOP && v.kind != OPTOUT_REVIEW)
            v = (optout_verdict){OPTOUT_REVIEW, OPTOUT_ADDRESS, "", "too-long", "", ""};
    } else {
        v = (optout_verdict){OPTOUT_REVIEW, OPTOUT_ADDRESS, "", "unread", "", ""};
    }
    gw_buf_done(&own.text);
    *ret = v;
}
