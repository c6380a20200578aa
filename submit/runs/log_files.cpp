#include "submit/runs/log_files.hpp"

#include <algorithm>
#include <filesystem>

#include "engine/file/file.hpp"

namespace act::runs {
namespace {

namespace fs = std::filesystem;

// In the order in which they are looked for: ours, then those of Azure ML's runtimes, new and old.
constexpr std::string_view masters[] = {"stdout.txt",
                                        "user_logs/std_log.txt",
                                        "user_logs/std_log_process_0.txt",
                                        "user_logs/std_log_process_00.txt",
                                        "azureml-logs/70_driver_log.txt",
                                        "azureml-logs/70_driver_log_0.txt",
                                        "azureml-logs/00_stdout.txt",
                                        "azureml-logs/ps-0_stdout.txt"};

int order_of(const std::string& name) {
    if (name == "setup.txt") return 0;
    if (name == "stdout.txt") return 1;
    return name == "stderr.txt" ? 2 : 3;
}

/// "stdout-9.txt" before "stdout-10.txt".
bool before(const log_file& a, const log_file& b) {
    int x = order_of(a.name), y = order_of(b.name);
    if (x != y) return x < y;
    auto stem = [](const std::string& n) { return n.substr(0, n.find_last_not_of("0123456789.tx") + 1); };
    if (stem(a.name) == stem(b.name) && a.name.size() != b.name.size()) return a.name.size() < b.name.size();
    return a.name < b.name;
}

std::optional<log_file> one(const record& r, const std::string& name) {
    std::string path = r.logs + "/" + name;
    auto about = file::stat_of(path);
    if (!about || about->type != file::type::regular) return std::nullopt;
    return log_file{name, path, about->size};
}

}  // namespace

std::string log_name(const char* stream, unsigned rank) {
    return stream + (rank == 0 ? std::string() : "-" + std::to_string(rank)) + ".txt";
}

std::vector<log_file> log_files(const record& r) {
    std::vector<log_file> out;
    if (r.logs.empty()) return out;
    std::error_code failed;
    for (fs::recursive_directory_iterator i(r.logs, failed), end; !failed && i != end; i.increment(failed)) {
        if (auto found = one(r, i->path().lexically_relative(r.logs).string()))
            out.push_back(std::move(*found));
    }
    std::sort(out.begin(), out.end(), before);
    return out;
}

std::vector<log_file> log_files(const record& r, unsigned rank) {
    std::vector<log_file> out;
    auto add = [&](const std::string& name) {
        if (auto found = one(r, name)) out.push_back(std::move(*found));
    };
    if (rank == 0) add("setup.txt");
    add(log_name("stdout", rank));
    add(log_name("stderr", rank));
    if (rank == 0 && out.empty()) {
        if (auto master = master_log(r)) out.push_back(std::move(*master));
    }
    return out;
}

std::optional<log_file> master_log(const record& r) {
    for (std::string_view name : masters) {
        if (auto found = one(r, std::string(name))) return found;
    }
    return std::nullopt;
}

result<std::string> last_lines(const std::string& path, std::size_t lines, std::size_t cap) {
    ACT_TRY(file::descriptor fd, file::open_read(path));
    ACT_TRY(file::status about, file::stat_of(fd.get(), path));
    std::uint64_t from = about.size > cap ? about.size - cap : 0;
    std::string text(static_cast<std::size_t>(about.size - from), '\0');
    ACT_TRY(std::size_t got, file::read_at(fd.get(), std::as_writable_bytes(std::span(text)), from, path));
    text.resize(got);
    std::size_t at = text.ends_with('\n') ? text.size() - 1 : text.size();
    for (; lines > 0 && at != std::string::npos && at > 0; --lines) at = text.rfind('\n', at - 1);
    if (lines == 0 && at != std::string::npos) return text.substr(at + 1);
    // All of it: less lines than asked for. What the cut left of a first line is not one.
    std::size_t first = from > 0 ? text.find('\n') : std::string::npos;
    return first == std::string::npos ? text : text.substr(first + 1);
}

}  // namespace act::runs
