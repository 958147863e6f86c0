import Foundation

/// Runs a program of `Tests/Servers` by the Python that has what `requirements.txt` there names.
///
/// Where that isn't installed it throws, and the test fails: `tools/test` installs it.
package func runTestPython(
  _ script: String, _ arguments: [String]
) throws -> (status: Int32, output: String) {
  let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()
  let process = Process()
  let output = Pipe()
  process.executableURL = tests.deletingLastPathComponent()
    .appendingPathComponent(".build-test-python/bin/python")
  process.arguments = ["-B", tests.appendingPathComponent("Servers/\(script)").path] + arguments
  process.standardOutput = output
  process.standardError = output
  process.standardInput = FileHandle.nullDevice
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return (process.terminationStatus, text)
}
