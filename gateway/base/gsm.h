/* gsm.h - how long a text message is: the GSM alphabet, UCS-2, and joined parts.
 *
 * 3GPP TS 23.038 V17 §6.2.1 (default alphabet and its extension table, whose characters take two
 * septets) and TS 23.040 §9.2.3.24.1 (joined parts carry a header of 6 octets): one message has 160
 * septets or 70 UTF-16 units; of a longer text every part has 153 or 67. A character of two units
 * is never cut in half, so a part may stay one short. Checked against Unicode's GSM0338.TXT.
 *
 * Thread: any; pure. */
#ifndef GW_GSM_H
#define GW_GSM_H

#include "gateway/base/buf.h"

enum {
    GSM_SINGLE = 160,
    GSM_JOINED = 153,
    UCS2_SINGLE = 70,
    UCS2_JOINED = 67,
    GSM_PARTS_MAX = 10, /* joined parts that networks and handsets reliably take */
};

/* Septets of a character in the GSM alphabet: 1, 2, or 0 when it is not there. */
int gsm_septets(uint32_t code_point);

/* A count that grows by one character at a time; start from zero. */
typedef struct {
    uint32_t total, parts, fill; /* of the last part, were the text joined */
} gsm_alphabet_count;
typedef struct {
    gsm_alphabet_count septets, ucs2;
    bool beyond_gsm; /* holds a character the GSM alphabet lacks */
} gsm_count;
void gsm_add(gsm_count *c, uint32_t code_point);

typedef struct {
    bool gsm;       /* the GSM alphabet does; else UCS-2 */
    uint32_t units; /* septets or UTF-16 units */
    uint32_t parts; /* at least 1 */
} gsm_size;
gsm_size gsm_size_of(const gsm_count *c);
/* Make a rendered text what is sent, in place: without the last line breaks, and with plain spaces
 * for the no-break ones of formatted amounts (U+00A0, U+202F), which would push it out of the GSM
 * alphabet and make two parts of one. Returns its new length. */
size_t gsm_plain(char *text, size_t n);
/* Of a whole text. GW_EINVAL when it is not UTF-8. */
gw_code gsm_measure(gw_str text, gsm_size *ret, gw_err *err) GW_NODISCARD;

#endif
