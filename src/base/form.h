#ifndef BASE_FORM_H
#define BASE_FORM_H

#endif
