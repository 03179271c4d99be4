/* timing_internal.h - what the subcommands of `dunlin timing` share: numbers in and out. */
#ifndef DUNLIN_CLI_TIMING_INTERNAL_H
#define DUNLIN_CLI_TIMING_INTERNAL_H

#include "gateway/base/buf.h"

/* A whole number between least and most, or GW_EINVAL naming the option. */
gw_code timing_number(const char *option, const char *text, long least, long most, long *ret,
                      gw_err *err);
/* "name":number with so many digits behind the point; null when it is not a number. */
void timing_put_number(gw_buf *b, const char *name, double value, int digits);
/* A percentage in a column of `width`, "-" when there is none. */
void timing_print_percent(double share, int width);
/* On a terminal: what is being done, on one line that is written over. */
void timing_progress(const char *what, const char *detail);
void timing_progress_end(void);

#endif
