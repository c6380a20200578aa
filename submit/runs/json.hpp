#pragma once

#include <map>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "engine/core/result.hpp"

/// What the records of runs and the agent's specifications share in reading JSON that act itself wrote.
/// Arguments of commands are bytes, so text that is not UTF-8 passes through unchanged, both ways.
namespace act::runs::json {

/// Errors name `what`. The object lives in `memory`.
result<boost::json::object> parse(std::string_view text, const std::string& what,
                                  boost::json::storage_ptr memory = {});

/// The member, or the empty form where it is missing or of another type.
std::string text(const boost::json::object&, std::string_view key);
std::int64_t number(const boost::json::object&, std::string_view key);
bool boolean(const boost::json::object&, std::string_view key);

/// Names and texts.
boost::json::object object_of(const std::map<std::string, std::string>&);
/// Replaces what is in `into`, where the member is there and an object; members of it that are no text are
/// left out.
void take_object(const boost::json::object&, std::string_view key, std::map<std::string, std::string>& into);

}  // namespace act::runs::json
