#include "submit/backend/logs.hpp"

#include "engine/file/file.hpp"
#include "submit/runs/log_files.hpp"

namespace act::backend {

task<result<void>> pass_on_logs(runtime& rt, std::string folder, std::vector<log_file> files,
                                log_position& position, std::function<void(stream, std::string_view)> sink,
                                until u) {
    std::vector<std::byte> buffer(64 << 10);
    for (const auto& f : files) {
        std::string path = folder + "/" + f.name;
        std::uint64_t& offset = position.offsets[f.name];
        auto info = file::stat_of(path);
        if (!info || info->size <= offset) continue;
        ACT_CO_TRY(file::descriptor fd, file::open_read(path));
        for (;;) {
            ACT_CO_TRY_VOID(u.check());
            auto call = [&] { return file::read_at(fd.get(), buffer, offset, path); };
            result<std::size_t> n = co_await rt.blocking(call);
            if (!n) co_return n.error();
            if (*n == 0) break;
            offset += *n;
            sink(f.stream, std::string_view(reinterpret_cast<const char*>(buffer.data()), *n));
        }
    }
    co_return result<void>();
}

log_reader logs_of_rank(runtime& rt, unsigned rank) {
    return [&rt, rank](const runs::record& r, log_position& position, log_sink sink, until u) {
        std::vector<log_file> files;
        for (const auto& f : runs::log_files(r, rank))
            files.push_back({f.name, f.name.starts_with("stderr") ? stream::err : stream::out});
        return pass_on_logs(rt, r.logs, std::move(files), position, std::move(sink), u);
    };
}

}  // namespace act::backend
