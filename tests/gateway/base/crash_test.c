/* Named crash points: the process dies at the pass asked for, and an order in a file is carried out
 * once. Skipped in builds without crash points. */
#include "gateway/base/crash.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Pass two points a few times in a child; its passes of "here" before it died, 5 when it lived. */
static int passes_survived(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        for (int i = 0; i < 5; i++) {
            GW_CRASH_POINT("elsewhere");
            GW_CRASH_POINT("here");
            if (write(fds[1], "x", 1) != 1)
                _exit(1);
        }
        _exit(0);
    }
    close(fds[1]);
    char text[8];
    int n = 0;
    while (read(fds[0], text, 1) == 1)
        n++;
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(n == 5, WIFEXITED(status));
    return n;
}

static void needs_crash_points(void)
{
#ifndef DUNLIN_CRASH_POINTS
    skip();
#endif
}

static void a_process_dies_at_the_pass_asked_for(void **state)
{
    (void)state;
    needs_crash_points();
    assert_int_equal(setenv("DUNLIN_CRASH_AT", "here:3", 1), 0);
    assert_int_equal(passes_survived(), 2);
    assert_int_equal(setenv("DUNLIN_CRASH_AT", "her:1", 1), 0);
    assert_int_equal(passes_survived(), 5);
    assert_int_equal(unsetenv("DUNLIN_CRASH_AT"), 0);
}

static void an_order_in_a_file_is_carried_out_once(void **state)
{
    (void)state;
    needs_crash_points();
    char path[] = "/tmp/crash_test.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(dprintf(fd, "here:2\n"), 7);
    close(fd);
    assert_int_equal(setenv("DUNLIN_CRASH_FILE", path, 1), 0);
    assert_int_equal(passes_survived(), 1);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(passes_survived(), 5);
    assert_int_equal(unsetenv("DUNLIN_CRASH_FILE"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_dies_at_the_pass_asked_for),
        cmocka_unit_test(an_order_in_a_file_is_carried_out_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
