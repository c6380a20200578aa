#include "engine/core/error.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "engine/core/result.hpp"

namespace act {

struct error::data {
    act::kind kind = act::kind::internal;
    int status = 0;
    bool local = false;  ///< the code is the name of an errno, which the message tells in words
    std::string message;
    std::string advice;
    std::string code;
    std::string request_id;
};

namespace {

kind kind_of_errno(int number) {
    switch (number) {
        case ENOENT:
        case ENOTDIR:
            return kind::not_found;
        case EACCES:
        case EPERM:
        case EROFS:
            return kind::permission;
        case ENOSPC:
        case EDQUOT:
            return kind::disk_full;
        case EEXIST:
            return kind::conflict;
        case ETIMEDOUT:
            return kind::timeout;
        case ECONNREFUSED:
        case ECONNRESET:
        case EPIPE:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case ENETDOWN:
            return kind::unavailable;
        default:
            return kind::io;
    }
}

std::string advice_of_errno(int number) {
    switch (number) {
        case ENOSPC:
            return "free some space, then run the same command again: it continues";
        case EDQUOT:
            return "the disk quota is used up; free some space and run the same command again";
        case EACCES:
        case EPERM:
            return "check who owns it and its permissions";
        case EROFS:
            return "the file system is mounted read-only";
        case EMFILE:
        case ENFILE:
            return "too many open files; raise `ulimit -n`";
        default:
            return {};
    }
}

const std::string empty_text;

}  // namespace

error::error(act::kind k, std::string message, std::string advice) : data_(std::make_shared<data>()) {
    data_->kind = k;
    data_->message = std::move(message);
    data_->advice = std::move(advice);
}

error error::from_errno(int number, std::string_view what) {
    std::string text(what);
    text += ": ";
    char buffer[128];
    text += ::strerror_r(number, buffer, sizeof buffer);
    error e(kind_of_errno(number), std::move(text), advice_of_errno(number));
    if (const char* const name = ::strerrorname_np(number)) {
        e.data_->code = name;
        e.data_->local = true;
    }
    return e;
}

kind error::kind() const { return data_ ? data_->kind : act::kind::internal; }
const std::string& error::message() const { return data_ ? data_->message : empty_text; }
const std::string& error::advice() const { return data_ ? data_->advice : empty_text; }
const std::string& error::code() const { return data_ ? data_->code : empty_text; }
int error::status() const { return data_ ? data_->status : 0; }
const std::string& error::request_id() const { return data_ ? data_->request_id : empty_text; }

error::data& error::own() {
    if (!data_) {
        data_ = std::make_shared<data>();
    } else if (data_.use_count() > 1) {
        data_ = std::make_shared<data>(*data_);
    }
    return *data_;
}

error error::with_service(std::string code, int status, std::string request_id) && {
    data& d = own();
    d.local = false;
    d.code = std::move(code);
    d.status = status;
    d.request_id = std::move(request_id);
    return std::move(*this);
}

error error::with_advice(std::string advice) && {
    own().advice = std::move(advice);
    return std::move(*this);
}

error error::in(std::string_view context) && {
    data& d = own();
    d.message = std::string(context) + ": " + d.message;
    return std::move(*this);
}

bool error::names_errno() const { return data_ && data_->local; }

std::string error::describe() const {
    std::string text = message();
    if (!names_errno() && (!code().empty() || status() != 0)) {
        text += " (";
        if (!code().empty()) text += code();
        if (status() != 0) text += (code().empty() ? "HTTP " : ", HTTP ") + std::to_string(status());
        if (!request_id().empty()) text += ", request id " + request_id();
        text += ')';
    }
    return text;
}

std::string_view to_string(kind k) {
    switch (k) {
        case kind::internal:
            return "internal";
        case kind::usage:
            return "usage";
        case kind::configuration:
            return "configuration";
        case kind::authentication:
            return "authentication";
        case kind::permission:
            return "permission";
        case kind::not_found:
            return "not_found";
        case kind::conflict:
            return "conflict";
        case kind::precondition:
            return "precondition";
        case kind::throttled:
            return "throttled";
        case kind::unavailable:
            return "unavailable";
        case kind::timeout:
            return "timeout";
        case kind::stopped:
            return "stopped";
        case kind::integrity:
            return "integrity";
        case kind::io:
            return "io";
        case kind::disk_full:
            return "disk_full";
        case kind::protocol:
            return "protocol";
        case kind::unsupported:
            return "unsupported";
    }
    return "internal";
}

int exit_code(kind k) {
    switch (k) {
        case kind::usage:
            return 2;
        case kind::configuration:
            return 3;
        case kind::authentication:
        case kind::permission:
            return 4;
        case kind::not_found:
            return 5;
        case kind::throttled:
        case kind::unavailable:
        case kind::timeout:
            return 6;
        case kind::stopped:
            return 130;
        default:
            return 1;
    }
}

void throw_exception_from_error(const error& e, const boost::source_location& where) {
    throw std::logic_error(std::string("unchecked failure at ") + where.file_name() + ": " + e.describe());
}

}  // namespace act
