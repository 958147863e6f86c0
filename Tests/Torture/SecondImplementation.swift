import Foundation

/// `tools/verify-ledger.py`, run once for many ledgers: one process, one line in and one line out
/// for each.
package final class SecondImplementation {
  package struct Answer: Equatable {
    package let report: String
    package let status: Int
  }

  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var unread: [UInt8] = []

  private static let driver = """
    import contextlib, importlib.util, io, os, sys
    sys.path.insert(0, os.path.dirname(sys.argv[1]))
    spec = importlib.util.spec_from_file_location("verifier", sys.argv[1])
    verifier = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(verifier)
    for line in sys.stdin:
        out, talk = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
            status = verifier.main([line.rstrip("\\n")])
        print(status, out.getvalue().rstrip("\\n"), flush=True)
    """

  package init() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let script = root.appendingPathComponent("tools/verify-ledger.py").path
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-B", "-c", Self.driver, script]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  deinit {
    // Its standard input ends, and so does it.
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  package func answer(for directory: String) throws -> Answer {
    try input.fileHandleForWriting.write(contentsOf: Data("\(directory)\n".utf8))
    while !unread.contains(0x0A) {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { return Answer(report: "the process ended", status: -1) }
      unread += more
    }
    let end = unread.firstIndex(of: 0x0A) ?? unread.endIndex
    let line = String(decoding: unread[..<end], as: UTF8.self)
    unread.removeSubrange(...end)
    let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    return Answer(
      report: parts.count > 1 ? String(parts[1]) : "", status: Int(parts[0]) ?? -1)
  }
}
