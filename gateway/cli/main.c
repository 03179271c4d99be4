/* main.c - `dunlin`: the command line for people and scripts. One table of commands. */
#include "gateway/cli/calls.h"
#include "gateway/cli/consent.h"
#include "gateway/cli/evidence.h"
#include "gateway/cli/local.h"
#include "gateway/cli/query.h"
#include "gateway/cli/rebuild.h"
#include "gateway/cli/report.h"
#include "gateway/cli/rules.h"
#include "gateway/cli/send.h"
#include "gateway/cli/template.h"
#include "gateway/cli/timing.h"
#include "gateway/cli/token.h"
#include "gateway/cli/up.h"
#include "gateway/cli/window.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"up", up_cli, "run everything on this machine under one supervisor"},
    {"status", status_cli, "what the gateway is doing [--wait SECONDS]"},
    {"doctor", doctor_cli, "what endangers the promises here; --settings lists every setting"},
    {"key", key_cli, "make a key pair for a billing system, operator or worker"},
    {"token", token_cli, "make|list|revoke bearer tokens of the HTTP API"},
    {"submit", submit_cli, "hand in jobs: FILE.jsonl or -, one verdict per line"},
    {"import", import_cli, "hand in a tracking table (CSV) as debtors and open items"},
    {"item", verb_cli, "one open item: name=value ..., FILE or -"},
    {"debtor", verb_cli, "a debtor with contacts: FILE or -"},
    {"payment", verb_cli, "a payment: id= debtor= item= amount_minor= currency= at="},
    {"promise", verb_cli, "a promise to pay: id= debtor= item= date= ..."},
    {"dispute", verb_cli, "a dispute: id= debtor= item= state=open|resolved"},
    {"consent", consent_cli,
     "show|export|import, or an entry: id= debtor= channel= address= status= source="},
    {"hold", hold_cli, "list, or id= debtor= kind= state=set|released by= reason="},
    {"hours", verb_cli,
     "when a debtor wants contact, or never: id= debtor= hours= state= use= from= to= by="},
    {"window", window_cli,
     "lint|diff|apply|show: send windows per source, ladder, template, channel"},
    {"reply", reply_cli, "list|take|release|read what people wrote back"},
    {"job", job_cli, "show|list|cancel|retry"},
    {"show", show_cli, "debtor ID, or items ID"},
    {"explain", explain_cli, "why, what blocks, when next: JOB, or --debtor D --channel C"},
    {"calls", calls_cli, "the call desk: next|take|dial|confirm|record|release|attach|list|codes"},
    {"clock", clock_cli, "show | set TIME | settle | release (only where clock.movable)"},
    {"pause", pause_cli, "stop sending [--channel C] [--template T]"},
    {"resume", pause_cli, "send again"},
    {"ladder", ladder_cli, "show | simulate --due DATE"},
    {"rules", rules_cli,
     "list|lint|verify|show|diff|apply|key|sign: rule packs, calendars, signatures"},
    {"timing", timing_cli, "the best hour: fit|replay|simulate|explain|off|on, and score"},
    {"report", report_cli, "timing: what predicting the best hour was worth"},
    {"template", template_cli, "lint|render|preview|version|publish|diff"},
    {"rebuild", rebuild_cli, "the state again from the evidence log, after Redis was lost"},
    {"evidence", evidence_cli, "export|search|csv|proof|checkpoint|fsck"},
};

static int help(FILE *out)
{
    fprintf(out, "dunlin %s - reminders that may be sent, are sent once, and can be proven\n\n",
            DUNLIN_VERSION);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(out, "  dunlin %-9s %s\n", commands[i].name, commands[i].help);
    fprintf(out, "\nCommon options, before or behind a command: --data DIR, --config FILE, --json. "
                 "Exit codes: 0 done, 1 "
                 "refused or failed,\n2 usage, 75 try again later.\n");
    return out == stdout ? 0 : 2;
}

/* Common options may also stand before the command (`dunlin --data DIR job list`): move them behind
 * its words. Returns false when only options were given. */
static bool command_first(int argc, char **argv)
{
    int lead = 1;
    while (lead < argc && strncmp(argv[lead], "--", 2) == 0)
        lead += strcmp(argv[lead], "--data") == 0 || strcmp(argv[lead], "--config") == 0 ? 2 : 1;
    if (lead >= argc)
        return false;
    for (int i = 1; i < lead; i++) {
        char *option = argv[1];
        memmove(argv + 1, argv + 2, (size_t)(argc - 2) * sizeof *argv);
        argv[argc - 1] = option;
    }
    return true;
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0) {
        fprintf(stderr, "dunlin: no source of randomness\n");
        return 1;
    }
    if (argc < 2)
        return help(stderr);
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return help(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("dunlin %s\n", DUNLIN_VERSION);
        return 0;
    }
    if (!command_first(argc, argv))
        return help(stderr);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "dunlin: no command \"%s\"; `dunlin help` lists them\n", argv[1]);
    return 2;
}
