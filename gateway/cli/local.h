/* local.h - the commands that need no running gateway:
 *   doctor [--settings]     what on this machine and in this Redis endangers the promises
 *   key NAME [--operator|--worker]   a key pair for a billing system, an operator or a worker
 *   ladder show|simulate    the ladder as a table, or for one due date */
#ifndef DUNLIN_CLI_LOCAL_H
#define DUNLIN_CLI_LOCAL_H

int doctor_cli(int argc, char **argv);
int key_cli(int argc, char **argv);
int ladder_cli(int argc, char **argv);

#endif
