/* A bundle as it comes from anywhere: dunlin-verify looks at it, never crashes, never finds it
 * valid unless it is one of the seeds. */
#include "gateway/verify/verify.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    verify_result r;
    gw_err err = {0};
    int fd = memfd_create("bundle", 0);
    assert(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    verify_order o = {.bundle = path};
    gw_code rc = verify_bundle(&o, &r, &err);
    assert(rc == GW_OK || err.text[0]);
    assert(rc != GW_OK || !r.valid || r.records > 0);
    close(fd);
    return 0;
}
