#ifndef CGI_LOOP_H
#define CGI_LOOP_H

#endif
