/* csv.h - comma separated values (RFC 4180), written so that no cell becomes a formula, read
 * strictly.
 *
 * Writing. A spreadsheet runs a cell that begins with = + - @ TAB or CR, and some do so behind
 * leading white space, behind a line break inside the cell, or with the full-width forms of the
 * signs. csv_put_text puts an apostrophe before such a text, which every spreadsheet takes as
 * "this is text". Numbers of our own (-12.50) go through csv_put_number and stay numbers.
 * Rows end with CRLF. csv_start writes the UTF-8 byte order mark, without which Excel reads the
 * file in the machine's old code page.
 *
 * Reading. csv_parse calls back once a row. It accepts a byte order mark, CRLF and LF, quoted
 * fields with "" and line breaks; it refuses invalid UTF-8, NUL, a quote inside an unquoted field,
 * bytes behind a closing quote, a lone CR, and anything past the limits. Lines that hold nothing
 * are passed over. The number of columns is not checked here, nor is an apostrophe taken away.
 *
 * Thread: any, one owner at a time. */
#ifndef GW_CSV_H
#define GW_CSV_H

#include "gateway/base/buf.h"

enum {
    CSV_FILE_BYTES_MAX = 64 << 20,
    CSV_ROW_BYTES_MAX = 64 << 10,
    CSV_COLUMNS_MAX = 256,
};

/* ---- writing ---- */

typedef struct {
    gw_buf *out;    /* borrowed; its sticky code tells whether everything fitted */
    size_t columns; /* cells written in the current row */
} csv_writer;

/* Begin a file: the byte order mark goes out at once. */
void csv_start(csv_writer *w, gw_buf *out);
/* One cell of text from anywhere, made safe as said above. */
void csv_put_text(csv_writer *w, gw_str text);
/* One cell of our own making: an optional '-', digits, at most one '.', nothing else (a bug
 * otherwise). Empty text gives an empty cell. */
void csv_put_number(csv_writer *w, gw_str number);
void csv_put_int(csv_writer *w, int64_t value);
void csv_end_row(csv_writer *w);

/* ---- reading ---- */

typedef struct {
    size_t file_bytes, row_bytes, columns; /* 0 stands for the ceiling above */
} csv_limits;

typedef struct {
    size_t line;         /* 1-based line of the file on which the row begins */
    size_t n;            /* cells */
    const gw_str *cells; /* unquoted; borrowed until the callback returns */
} csv_row;

/* GW_OK goes on; any other code ends the parse and is returned with err as the callback left it. */
typedef gw_code csv_row_fn(void *arg, const csv_row *row, gw_err *err);

/* limits may be NULL. GW_EINVAL with the line number, GW_ELIMIT naming the limit, GW_ENOMEM, or
 * what the callback returned. Rows before the faulty one have been delivered. */
gw_code csv_parse(gw_str text, const csv_limits *limits, csv_row_fn *on_row, void *arg, gw_err *err)
    GW_NODISCARD;

#endif
