/* token.h - bearer tokens of the HTTP API (gateway/http/bearer.h), and what people wrote back:
 *   token make NAME [--operator | --agent] [--scopes submit,query]   shown once, stored as a hash
 *   token list | token revoke NAME
 *   reply list [--source S]                               what waits for a person
 *   reply read ID --debtor D [--source S] [--by WHO] [--reason TEXT] */
#ifndef DUNLIN_CLI_TOKEN_H
#define DUNLIN_CLI_TOKEN_H

int token_cli(int argc, char **argv);
int reply_cli(int argc, char **argv);

#endif
