#include "templates/engine/lint_internal.h"

/* 3GPP TS 23.038: a message in the GSM alphabet has 7-bit septets, any other 16-bit code units;
 * TS 23.040 §9.2.3.24.1: a joined part carries 153 or 67 of them. */
enum { GSM_SINGLE = 160, GSM_JOINED = 153, UCS2_SINGLE = 70, UCS2_JOINED = 67, PARTS_MAX = 10 };

typedef struct {
    uint32_t septets; /* as GSM */
    uint32_t units;   /* as UCS-2 */
    bool gsm;
} sms_size;

static const char *gsm_set(void)
{
    return "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\n\r";
}

static size_t sequence_length(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static void count_character(sms_size *size, const char *p, size_t n)
{
    char one[5] = "";
    memcpy(one, p, n);
    bool twice = n == 1 ? strchr("^{}\\[~]|", *p) != NULL : strcmp(one, "€") == 0;
    bool ascii = n == 1 && *p != '`';
    size->units += n == 4 ? 2 : 1;
    size->septets += twice ? 2 : 1;
    size->gsm = size->gsm && (ascii || twice || (n > 1 && strstr(gsm_set(), one)));
}

void lint_sms(const lint_job *j, const lint_literal *l)
{
    sms_size size = {.gsm = true};
    gw_str text = gw_buf_str(&l->text);
    for (size_t i = 0, n; i < text.n; i += n) {
        n = sequence_length((unsigned char)text.p[i]);
        n = n > text.n - i ? text.n - i : n;
        if (text.p[i] == '\1') {
            size.units += LINT_VALUE_COLUMNS;
            size.septets += LINT_VALUE_COLUMNS;
        } else {
            count_character(&size, text.p + i, n);
        }
    }
    uint32_t count = size.gsm ? size.septets : size.units;
    uint32_t joined = size.gsm ? GSM_JOINED : UCS2_JOINED;
    uint32_t single = size.gsm ? GSM_SINGLE : UCS2_SINGLE;
    uint32_t parts = count <= single ? 1 : (count + joined - 1) / joined;
    lint_tell(j, LINT_NOTE, "sms-segments", "sms.mustache", 0,
              "about %u %s in %u part%s, with %d for each of %u values", count,
              size.gsm ? "GSM septets" : "UCS-2 units", parts, parts == 1 ? "" : "s",
              LINT_VALUE_COLUMNS, l->variables);
    if (parts > PARTS_MAX)
        lint_tell(j, LINT_ERROR, "sms-too-long", "sms.mustache", 0,
                  "about %u parts; carriers join at most %d; shorten it", parts, PARTS_MAX);
}
