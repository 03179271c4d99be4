/* speak.h - a text is spoken by a configured program, outside of this process.
 *
 * The program gets the text on its standard input and writes a WAV file to its standard output. It
 * is started without a shell, with an empty environment but PATH and LANG, and is killed when it
 * takes too long or writes too much. Words of the command are separated by blanks; {language} in
 * one becomes the name the program knows the locale's language by (voices: "zh=cmn zh-HK=yue"; a
 * locale without an entry goes by its language's, else by its plain language subtag).
 *
 * Thread: any; the calling thread waits. */
#ifndef VOICE_SPEAK_H
#define VOICE_SPEAK_H

#include "gateway/base/buf.h"

enum { SPEAK_WORDS_MAX = 32, SPEAK_TEXT_MAX = 8 * 1024, SPEAK_LANGUAGE_MAX = 32 };

typedef struct {
    const char *command; /* "espeak-ng --stdout -v {language}" */
    const char *voices;  /* "zh=cmn" */
    int limit_ms;        /* for one text */
} speak_config;

/* Is the command well-formed and its program there and executable? GW_EINVAL, GW_ENOTFOUND. */
gw_code speak_check(const speak_config *c, gw_err *err) GW_NODISCARD;
/* Append the WAV. GW_ELIMIT (text or sound too long), GW_ETIMEOUT, GW_ENOTFOUND, GW_EIO (the
 * program failed); errors never hold the text. */
gw_code speak(const speak_config *c, gw_str locale, gw_str text, gw_buf *ret_wav, gw_err *err)
    GW_NODISCARD;
/* The name behind {language}. */
void speak_language(const speak_config *c, gw_str locale, char ret[SPEAK_LANGUAGE_MAX]);

#endif
