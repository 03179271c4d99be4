#include "tests/support/redis_server.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* Send an inline command on a fresh connection; false when no reply byte came within wait_ms. */
static bool ask(const redis_server *redis, const char *command, int wait_ms, char *ret, size_t cap)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path, redis_server_socket(redis), sizeof to.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_true(write(fd, command, strlen(command)) > 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool answered = poll(&p, 1, wait_ms) == 1;
    ssize_t n = answered ? read(fd, ret, cap - 1) : 0;
    ret[n > 0 ? n : 0] = '\0';
    close(fd);
    return answered;
}

static void an_acknowledged_write_survives_a_crash_and_a_restart(void **state)
{
    (void)state;
    GW_AUTO(redis_server_free) redis_server *redis = redis_server_start(NULL);
    assert_non_null(redis);
    char reply[64];
    assert_true(ask(redis, "SET k v\r\n", 5000, reply, sizeof reply));
    assert_string_equal(reply, "+OK\r\n");
    redis_server_kill(redis);
    assert_int_equal(redis_server_pid(redis), 0);
    assert_true(redis_server_restart(redis));
    assert_true(ask(redis, "GET k\r\n", 5000, reply, sizeof reply));
    assert_string_equal(reply, "$1\r\nv\r\n");
}

static void a_stopped_server_is_silent_until_it_continues(void **state)
{
    (void)state;
    GW_AUTO(redis_server_free) redis_server *redis = redis_server_start(NULL);
    assert_non_null(redis);
    char reply[64];
    redis_server_stop(redis);
    assert_false(ask(redis, "PING\r\n", 50, reply, sizeof reply));
    redis_server_continue(redis);
    assert_true(ask(redis, "PING\r\n", 5000, reply, sizeof reply));
}

static void extra_arguments_override_the_configuration(void **state)
{
    (void)state;
    const char *const extra[] = {"--appendfsync", "everysec", NULL};
    GW_AUTO(redis_server_free) redis_server *redis = redis_server_start(extra);
    assert_non_null(redis);
    char reply[64];
    assert_true(ask(redis, "CONFIG GET appendfsync\r\n", 5000, reply, sizeof reply));
    assert_non_null(strstr(reply, "everysec"));
}

static void its_folder_is_gone_afterwards(void **state)
{
    (void)state;
    redis_server *redis = redis_server_start(NULL);
    assert_non_null(redis);
    char dir[64];
    strncpy(dir, redis_server_dir(redis), sizeof dir - 1);
    dir[sizeof dir - 1] = '\0';
    redis_server_free(redis);
    assert_int_not_equal(access(dir, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acknowledged_write_survives_a_crash_and_a_restart),
        cmocka_unit_test(a_stopped_server_is_silent_until_it_continues),
        cmocka_unit_test(extra_arguments_override_the_configuration),
        cmocka_unit_test(its_folder_is_gone_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
