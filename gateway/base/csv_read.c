/* The reading half of csv.h. Each row's cells are unquoted into one scratch buffer; their spans are
 * kept as offsets until the row is whole, because the buffer may move while it grows. */
#include "gateway/base/csv.h"
#include "gateway/base/utf8.h"

typedef struct {
    const char *p, *end;
    size_t line; /* where p stands */
    csv_limits limits;
    gw_buf bytes; /* the row's cells, one behind the other */
    size_t ends[CSV_COLUMNS_MAX];
    gw_str cells[CSV_COLUMNS_MAX];
    size_t n;
    gw_err *err;
} reader;

static gw_code refuse(reader *r, gw_code code, const char *why)
{
    return gw_fail(r->err, code, "CSV line %zu: %s", r->line, why);
}

static gw_code put(reader *r, char c)
{
    if (gw_buf_putc(&r->bytes, c) == GW_OK)
        return GW_OK;
    if (r->bytes.code == GW_ELIMIT)
        return gw_fail(r->err, GW_ELIMIT, "CSV line %zu: the row is longer than %zu bytes", r->line,
                       r->limits.row_bytes);
    return gw_buf_code(&r->bytes, "CSV row", r->err);
}

/* p stands behind the opening quote; leaves it behind the closing one. */
static gw_code read_quoted(reader *r)
{
    size_t opened = r->line;
    while (r->p < r->end) {
        char c = *r->p++;
        if (c == '"') {
            if (r->p == r->end || *r->p != '"')
                return GW_OK;
            r->p++;
        }
        if (c == '\n')
            r->line++;
        gw_code rc = put(r, c);
        if (rc != GW_OK)
            return rc;
    }
    r->line = opened;
    return refuse(r, GW_EINVAL, "a quoted cell begins here and never ends");
}

static bool at_line_end(const reader *r)
{
    return r->p == r->end || *r->p == '\n' ||
           (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n');
}

static gw_code read_plain(reader *r)
{
    while (!at_line_end(r) && *r->p != ',') {
        if (*r->p == '"')
            return refuse(r, GW_EINVAL, "a quote inside a cell that does not begin with one");
        if (*r->p == '\r')
            return refuse(r, GW_EINVAL,
                          "a carriage return without line feed; lines end CRLF or LF");
        gw_code rc = put(r, *r->p++);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

static gw_code read_cell(reader *r)
{
    if (r->n == r->limits.columns)
        return gw_fail(r->err, GW_ELIMIT, "CSV line %zu: more than %zu columns", r->line,
                       r->limits.columns);
    gw_code rc;
    if (r->p < r->end && *r->p == '"') {
        r->p++;
        rc = read_quoted(r);
        if (rc == GW_OK && !at_line_end(r) && *r->p != ',')
            rc = refuse(r, GW_EINVAL, "text behind the closing quote of a cell");
    } else {
        rc = read_plain(r);
    }
    if (rc == GW_OK)
        r->ends[r->n++] = r->bytes.n;
    return rc;
}

/* Reads the cells of one row and passes its line end. */
static gw_code read_row(reader *r)
{
    gw_buf_clear(&r->bytes);
    r->n = 0;
    for (;;) {
        gw_code rc = read_cell(r);
        if (rc != GW_OK)
            return rc;
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            continue;
        }
        break;
    }
    if (r->p < r->end) {
        r->p += *r->p == '\r' ? 2 : 1;
        r->line++;
    }
    size_t start = 0;
    for (size_t i = 0; i < r->n; i++) {
        r->cells[i] = (gw_str){(r->bytes.data ? r->bytes.data : "") + start, r->ends[i] - start};
        start = r->ends[i];
    }
    return GW_OK;
}

static gw_code read_rows(reader *r, csv_row_fn *on_row, void *arg)
{
    while (r->p < r->end) {
        size_t line = r->line;
        gw_code rc = read_row(r);
        if (rc != GW_OK)
            return rc;
        if (r->n == 1 && r->cells[0].n == 0)
            continue;
        csv_row row = {.line = line, .n = r->n, .cells = r->cells};
        rc = on_row(arg, &row, r->err);
        if (rc != GW_OK)
            return rc;
    }
    return GW_OK;
}

/* Whole-file checks come first, so that a file in another code page is refused before any row. */
static gw_code check_text(gw_str text, const csv_limits *limits, gw_err *err)
{
    if (text.n > limits->file_bytes)
        return gw_fail(err, GW_ELIMIT, "CSV: larger than %zu bytes; split the file",
                       limits->file_bytes);
    size_t line = 1;
    for (size_t i = 0; i < text.n;) {
        size_t len = gw_utf8_length(text.p + i, text.n - i);
        if (len == 0)
            return gw_fail(err, GW_EINVAL, "CSV line %zu: not UTF-8; save it as \"CSV UTF-8\"",
                           line);
        if (text.p[i] == '\0')
            return gw_fail(err, GW_EINVAL, "CSV line %zu: holds a NUL byte; is it a text file?",
                           line);
        line += text.p[i] == '\n';
        i += len;
    }
    return GW_OK;
}

static size_t limit_or(size_t wanted, size_t most)
{
    return wanted == 0 || wanted > most ? most : wanted;
}

gw_code csv_parse(gw_str text, const csv_limits *limits, csv_row_fn *on_row, void *arg, gw_err *err)
{
    csv_limits none = {0};
    if (!limits)
        limits = &none;
    csv_limits use = {limit_or(limits->file_bytes, CSV_FILE_BYTES_MAX),
                      limit_or(limits->row_bytes, CSV_ROW_BYTES_MAX),
                      limit_or(limits->columns, CSV_COLUMNS_MAX)};
    gw_code rc = check_text(text, &use, err);
    if (rc != GW_OK)
        return rc;
    GW_AUTO_FREE reader *r = calloc(1, sizeof *r);
    if (!r)
        return gw_fail(err, GW_ENOMEM, "reading CSV");
    r->limits = use;
    r->line = 1;
    r->err = err;
    r->p = text.p;
    r->end = text.p + text.n;
    if (text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0)
        r->p += 3;
    gw_buf_init(&r->bytes, use.row_bytes);
    rc = read_rows(r, on_row, arg);
    gw_buf_done(&r->bytes);
    return rc;
}
