/* part.h - the leaves of a message: texts and files as GMime parts, encoded (RFC 2045 §6).
 *
 * Text may come with LF, CRLF or lone CR; all become CRLF. It goes out as 7bit when it is plain
 * ASCII of short lines that nothing on the way could change, else as quoted-printable or base64,
 * whichever GMime finds shorter.
 *
 * Returned parts are the caller's: g_object_unref. GMime must have been initialised. GLib ends the
 * process when memory is exhausted. Thread: any, a part is used by one at a time. */
#ifndef EMAIL_PART_H
#define EMAIL_PART_H

#include "gateway/base/buf.h"

#include <gmime/gmime.h>

/* text/<subtype> in UTF-8. No line of what goes out begins with "--=_". */
GMimeObject *part_text(const char *subtype, gw_str text);

/* An attachment, base64. media may have parameters. file_name passed header_check; it becomes
 * "name" and "filename", extended parameters where it is not ASCII (RFC 2231). */
GMimeObject *part_file(const char *media, const char *file_name, gw_str bytes);

#endif
