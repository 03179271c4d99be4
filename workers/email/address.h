/* address.h - which mail addresses and host names we are willing to put on an SMTP line.
 *
 * libESMTP copies an address into MAIL and RCPT as it is, so a CR LF in it would be a command of
 * its own. What passes here is a dot-atom local part and a domain of letters, digits and hyphens
 * (RFC 5321 §4.1.2 without quoted strings and address literals), nothing else: quoted local parts
 * are legal but nobody's debtor has one, and each legal form less is a trick less.
 * Addresses with letters outside ASCII need SMTPUTF8 (RFC 6531), which libESMTP has not: the domain
 * can be given in its xn-- form.
 *
 * Thread: pure, any. */
#ifndef EMAIL_ADDRESS_H
#define EMAIL_ADDRESS_H

#include "gateway/base/buf.h"

enum {
    ADDRESS_BYTES_MAX = 254, /* RFC 5321 §4.5.3.1.3 less the angle brackets */
    ADDRESS_LOCAL_MAX = 64,  /* RFC 5321 §4.5.3.1.1 */
    ADDRESS_LABEL_MAX = 63,  /* RFC 1035 §2.3.4 */
};

/* GW_EINVAL or GW_ELIMIT; err says which rule, never the address. what names the field. */
gw_code address_check(gw_str address, const char *what, gw_err *err) GW_NODISCARD;
/* A host name of LDH labels, or an IPv4/IPv6 address in text. */
gw_code address_check_host(gw_str host, const char *what, gw_err *err) GW_NODISCARD;
/* The part behind the last '@'; n 0 without one. */
gw_str address_domain(gw_str address);

#endif
