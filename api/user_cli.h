/* SPDX-License-Identifier: MIT */
/*
 * rport user: API users from the command line (rport-config 2.1).
 */
#ifndef RP_API_USER_CLI_H
#define RP_API_USER_CLI_H

/* Arguments behind the word "user". Exit status: 0, 1 (it failed), 2 (wrong use). */
int rp_user_cli_main(int argc, char **argv);

#endif
