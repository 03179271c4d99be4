#include "gateway/cli/print.h"

#include "gateway/base/utf8.h"

enum { INDENT = 2, NAME_WIDTH = 18 };

/* Columns a terminal uses: East Asian wide ranges take two (Unicode TR 11, the ranges that names
 * and texts of debtors use). */
static int text_width(gw_str s)
{
    int width = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c & 0xC0) == 0x80)
            continue;
        width += 1 + (c >= 0xE3 && c <= 0xED && c != 0xEB);
    }
    return width;
}

/* At most `most` columns of s, control bytes replaced; returns the columns printed. */
static int put_text(FILE *out, gw_str s, int most)
{
    int width = 0;
    for (size_t i = 0; i < s.n;) {
        size_t n = 1;
        while (i + n < s.n && ((unsigned char)s.p[i + n] & 0xC0) == 0x80)
            n++;
        int w = text_width((gw_str){s.p + i, n});
        if (width + w > most) {
            fputs("…", out);
            return width + 1;
        }
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            fputc('?', out);
        else
            fwrite(s.p + i, 1, n, out);
        width += w;
        i += n;
    }
    return width;
}

static gw_str scalar_text(const json_doc *d, uint32_t node)
{
    return json_kind_of(d, node) == JSON_STRING ? json_str(d, node) : json_raw(d, node);
}

static bool is_container(const json_doc *d, uint32_t node)
{
    json_kind k = json_kind_of(d, node);
    return (k == JSON_OBJECT || k == JSON_ARRAY) && json_at(d, node)->count > 0;
}

static void pad(FILE *out, int n)
{
    while (n-- > 0)
        fputc(' ', out);
}

static void print_object(FILE *out, const json_doc *d, uint32_t node, int indent);

void print_columns(FILE *out, const json_doc *d, uint32_t array, const char *const *names, size_t n)
{
    int widths[PRINT_COLUMNS_MAX];
    n = n < PRINT_COLUMNS_MAX ? n : PRINT_COLUMNS_MAX;
    for (size_t c = 0; c < n; c++)
        widths[c] = text_width(gw_str_of(names[c]));
    for (uint32_t row = json_first(array); row < json_at(d, array)->next;
         row = json_at(d, row)->next)
        for (size_t c = 0; c < n; c++) {
            uint32_t v = json_member(d, row, names[c]);
            int w = v ? text_width(scalar_text(d, v)) : 0;
            w = w > PRINT_CELL_MAX ? PRINT_CELL_MAX + 1 : w;
            widths[c] = w > widths[c] ? w : widths[c];
        }
    for (size_t c = 0; c < n; c++)
        pad(out, widths[c] + 2 - put_text(out, gw_str_of(names[c]), PRINT_CELL_MAX));
    fputc('\n', out);
    for (uint32_t row = json_first(array); row < json_at(d, array)->next;
         row = json_at(d, row)->next) {
        for (size_t c = 0; c < n; c++) {
            uint32_t v = json_member(d, row, names[c]);
            pad(out, widths[c] + 2 - (v ? put_text(out, scalar_text(d, v), PRINT_CELL_MAX) : 0));
        }
        fputc('\n', out);
    }
}

/* All members of the first row as columns. */
static void print_table(FILE *out, const json_doc *d, uint32_t array)
{
    const char *names[PRINT_COLUMNS_MAX];
    size_t n = 0;
    uint32_t first = json_first(array);
    for (uint32_t m = json_first(first); m < json_at(d, first)->next && n < PRINT_COLUMNS_MAX;
         m = json_at(d, m + 1)->next) {
        names[n] = gw_arena_copy(d->arena, json_str(d, m));
        n += names[n] != NULL;
    }
    print_columns(out, d, array, names, n);
}

static void print_array(FILE *out, const json_doc *d, uint32_t array, int indent)
{
    if (json_kind_of(d, json_first(array)) == JSON_OBJECT) {
        print_table(out, d, array);
        return;
    }
    for (uint32_t e = json_first(array); e < json_at(d, array)->next; e = json_at(d, e)->next) {
        pad(out, indent);
        put_text(out, scalar_text(d, e), 1000);
        fputc('\n', out);
    }
}

static void print_value(FILE *out, const json_doc *d, uint32_t node, int indent)
{
    if (!is_container(d, node)) {
        put_text(out, scalar_text(d, node), 1000);
        fputc('\n', out);
        return;
    }
    fputc('\n', out);
    if (json_kind_of(d, node) == JSON_OBJECT)
        print_object(out, d, node, indent + INDENT);
    else
        print_array(out, d, node, indent + INDENT);
}

static void print_object(FILE *out, const json_doc *d, uint32_t node, int indent)
{
    for (uint32_t m = json_first(node); m < json_at(d, node)->next; m = json_at(d, m + 1)->next) {
        pad(out, indent);
        int used = put_text(out, json_str(d, m), PRINT_CELL_MAX);
        pad(out, used < NAME_WIDTH ? NAME_WIDTH - used : 1);
        print_value(out, d, m + 1, indent);
    }
}

void print_json(FILE *out, const json_doc *d, uint32_t node)
{
    if (json_kind_of(d, node) == JSON_OBJECT)
        print_object(out, d, node, 0);
    else if (json_kind_of(d, node) == JSON_ARRAY && is_container(d, node))
        print_array(out, d, node, 0);
    else
        print_value(out, d, node, 0);
}
