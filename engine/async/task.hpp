#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "engine/core/result.hpp"

namespace act {

/// A coroutine that runs on one loop and never leaves it. Lazy: nothing happens before it is awaited or
/// spawned. Parameters are taken by value, or by reference to what plainly outlives the call.
template <class T = void>
using task = boost::asio::awaitable<T, boost::asio::io_context::executor_type>;

}  // namespace act
