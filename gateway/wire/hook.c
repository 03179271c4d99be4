#include "gateway/wire/hook.h"

#include <strings.h>

gw_str hook_header_of(const hook_request *r, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < r->header_n; i++)
        if (r->headers[i].name.n == n && strncasecmp(r->headers[i].name.p, name, n) == 0)
            return r->headers[i].value;
    return (gw_str){NULL, 0};
}
