#include "transfer/blob/listing.hpp"
