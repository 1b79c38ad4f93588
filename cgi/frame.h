#ifndef CGI_FRAME_H
#define CGI_FRAME_H

#endif
