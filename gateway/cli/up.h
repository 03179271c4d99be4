/* up.h - `dunlin up [--data DIR] [--config FILE] [--with email,sms,voice]`. */
#ifndef DUNLIN_CLI_UP_H
#define DUNLIN_CLI_UP_H

int up_cli(int argc, char **argv);

#endif
