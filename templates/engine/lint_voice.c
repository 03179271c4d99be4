/* lint_voice.c - what a call may say to whom (V4, V5), and that people are told its keys.
 *
 * Everything but voice-details may be heard by anybody who picks up the phone, or plays back a
 * machine. So these parts name who calls, who is asked for and how to call back, and no other fact;
 * words that hint at a debt are in lint.json (rule debt-hint). */
#include "templates/engine/lint_internal.h"

#include <stdio.h>

static const struct {
    template_part part;
    const char *keys;  /* digits that must be spoken */
    bool anybody;      /* may be heard by anybody */
    bool caller, whom; /* says who calls, and for whom */
} rules[] = {
    {TEMPLATE_VOICE, "", true, true, false},
    {TEMPLATE_VOICE_ASK, "1239", true, true, true},
    {TEMPLATE_VOICE_DETAILS, "1239", false, false, false},
    {TEMPLATE_VOICE_NOTED, "", true, false, false},
    {TEMPLATE_VOICE_BYE, "", true, false, false},
};

static const char *const harmless[] = {"creditor.name",  "creditor.phone", "creditor.email",
                                       "recipient.name", "reference",      "today"};

typedef struct {
    const lint_job *j;
    bool anybody, creditor, recipient;
    char digits[16]; /* seen in the text */
} listener;

static void note_digits(listener *l, gw_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= '0' && text.p[i] <= '9')
            l->digits[text.p[i] - '0'] = 1;
}

static bool is_harmless(gw_str name)
{
    for (size_t i = 0; i < GW_COUNT(harmless); i++)
        if (gw_str_is(name, harmless[i]))
            return true;
    return false;
}

static void hear(void *arg, const mustache_event *e)
{
    listener *l = arg;
    if (e->tag == MUSTACHE_TEXT) {
        note_digits(l, e->text);
        return;
    }
    if (e->tag == MUSTACHE_END || e->tag == MUSTACHE_PARTIAL)
        return;
    if (e->tag == MUSTACHE_VARIABLE) {
        l->creditor = l->creditor || gw_str_is(e->text, "creditor.name");
        l->recipient = l->recipient || gw_str_is(e->text, "recipient.name");
    }
    if (l->anybody && !is_harmless(e->text))
        lint_tell(l->j, LINT_ERROR, "voice-disclosure", e->file, e->line,
                  "%.*s may be heard by anybody who picks up; only voice-details, which is spoken "
                  "after the right party was confirmed, may tell it",
                  GW_STR_ARG(e->text));
}

static void check_keys(const lint_job *j, const char *file, const char *keys, const listener *l)
{
    for (const char *k = keys; *k; k++)
        if (!l->digits[*k - '0'])
            lint_tell(j, LINT_ERROR, "voice-keys", file, 0,
                      "key %c is not explained; a call knows the keys 1, 2, 3 and 9", *k);
}

void lint_voice(const lint_job *j)
{
    size_t there = 0;
    for (size_t i = 0; i < GW_COUNT(rules); i++)
        there += j->s->has[rules[i].part];
    bool whole = there > 1 || (there == 1 && !j->s->has[TEMPLATE_VOICE]);
    for (size_t i = 0; i < GW_COUNT(rules); i++) {
        char file[32];
        snprintf(file, sizeof file, "%s.mustache", template_part_name(rules[i].part));
        if (whole && !j->s->has[rules[i].part])
            lint_tell(j, LINT_ERROR, "voice-parts", file, 0,
                      "a call is voice alone, told to whoever answers, or voice, voice-ask, "
                      "voice-details, voice-noted and voice-bye together");
        const mustache *m = j->parts[rules[i].part];
        if (!m)
            continue;
        listener l = {.j = j, .anybody = rules[i].anybody};
        mustache_walk(m, hear, &l);
        check_keys(j, file, rules[i].keys, &l);
        if ((rules[i].caller && !l.creditor) || (rules[i].whom && !l.recipient))
            lint_tell(j, LINT_ERROR, "voice-names", file, 0, "a call must say %s",
                      l.creditor ? "for whom it is: {{recipient.name}}"
                                 : "who calls: {{creditor.name}}");
    }
}
