/* baresip_files.h - what a baresip process reads at its start. Inside of baresip.h. */
#ifndef VOICE_BARESIP_FILES_H
#define VOICE_BARESIP_FILES_H

#include "workers/voice/baresip.h"

/* Write config, accounts, contacts and quiet.wav into folder; ctrl_port is where it is to listen.
 */
gw_code baresip_files(const baresip_config *c, const char *folder, int ctrl_port, gw_err *err)
    GW_NODISCARD;

#endif
