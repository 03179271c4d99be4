/* sms.h - the SMS driver: facts and template in, one text message out.
 *
 * Fulfils workers/runtime/channel.h. A task has exactly one recipient with an E.164 number. With
 * the transport outbox the prepared bytes are one JSON object a message (RFC 8785 order):
 *     {"alphabet":"gsm7|ucs2","from":..,"parts":n,"text":..,"to":..,"units":n,"valid_until":RFC
 * 3339} and nobody is contacted. */
#ifndef SMS_SMS_H
#define SMS_SMS_H

#include "workers/providers/fleet.h"
#include "workers/runtime/outbox.h"

enum {
    SMS_TEXT_MAX = 8192,    /* bytes of a rendered text; ten parts of UTF-8 need at most 6,120 */
    SMS_BYTES_MAX = 1 << 20 /* bytes of one prepared message: a request for each provider */
};

typedef enum { SMS_OUTBOX, SMS_PROVIDER } sms_transport;

typedef struct {
    sms_transport transport;
    int parts_max; /* joined parts of one message, 1..GSM_PARTS_MAX */
    int64_t validity_max_ms;
    outbox_config outbox;
    fleet_config fleet; /* with SMS_PROVIDER */
} sms_config;

/* config and its strings are copied. The driver is closed by ret->close(ret->self). Errors of
 * fleet_new. */
gw_code sms_channel(const sms_config *config, channel *ret, gw_err *err) GW_NODISCARD;

#endif
