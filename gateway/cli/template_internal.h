/* template_internal.h - what the subcommands of `dunlin template` share. */
#ifndef GATEWAY_CLI_TEMPLATE_INTERNAL_H
#define GATEWAY_CLI_TEMPLATE_INTERNAL_H

#include "templates/engine/bundle.h"

#include <stdio.h>

enum {
    TEMPLATE_CLI_DIRS_MAX = 64,
    TEMPLATE_CLI_ARENA = 256 * 1024 * 1024, /* nodes of MUSTACHE_DATA_MAX bytes of JSON */
};

typedef struct {
    const char *dirs[TEMPLATE_CLI_DIRS_MAX]; /* words that are no options */
    size_t dir_count;
    const char *template_file, *data, *partials, *bundle, *part, *out_dir, *store, *escape;
    bool json, strict;
    FILE *out;
} template_command;

/* Each runs one subcommand; output goes to c->out, failures into err. */
gw_code template_cmd_lint(const template_command *c, gw_err *err);
gw_code template_cmd_render(const template_command *c, gw_err *err);
gw_code template_cmd_preview(const template_command *c, gw_err *err);
gw_code template_cmd_version(const template_command *c, gw_err *err);
gw_code template_cmd_publish(const template_command *c, gw_err *err);
gw_code template_cmd_diff(const template_command *c, gw_err *err);

/* Read and parse a data file ("-" is standard input). text and arena are the caller's and must
 * outlive ret_doc; text is initialised here. */
gw_code template_read_data(const char *file, gw_buf *text, gw_arena *arena, json_doc *ret_doc,
                           gw_err *err) GW_NODISCARD;

/* Write a finished line of JSON or bytes as they are. GW_EIO. */
gw_code template_print(const template_command *c, const gw_buf *b, gw_err *err) GW_NODISCARD;

#endif
