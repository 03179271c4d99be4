#include "gateway/base/file.h"
#include "gateway/ladder/ladder.h"

gw_code ladder_load(const char *path, ladder **ret, gw_err *err)
{
    GW_AUTO_BUF gw_buf text;
    gw_buf_init(&text, LADDER_BYTES_MAX);
    gw_code rc = gw_file_read(path, &text, err);
    return rc == GW_OK ? ladder_parse(path, gw_buf_str(&text), ret, err) : rc;
}
