/* file.h - whole small files, read with a ceiling and replaced so that a crash leaves old or new.
 *
 * Thread: any. */
#ifndef GW_FILE_H
#define GW_FILE_H

#include "gateway/base/buf.h"

/* Read all of path into ret (appended). GW_ENOTFOUND, GW_ELIMIT past the buffer's ceiling, GW_EIO.
 */
gw_code gw_file_read(const char *path, gw_buf *ret, gw_err *err) GW_NODISCARD;
/* Write beside path, fsync, rename over it, fsync the folder. mode as in open(2), e.g. 0600. */
gw_code gw_file_replace(const char *path, gw_str bytes, unsigned mode, gw_err *err) GW_NODISCARD;
/* write(2) until all is written; EINTR is retried. */
gw_code gw_file_write_all(int fd, const void *bytes, size_t n, gw_err *err) GW_NODISCARD;
gw_code gw_dir_sync(const char *dir, gw_err *err) GW_NODISCARD;
/* mkdir -p with mode for each folder made; an existing folder is fine. */
gw_code gw_dir_make(const char *dir, unsigned mode, gw_err *err) GW_NODISCARD;

#endif
