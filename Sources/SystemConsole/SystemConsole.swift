package import CommandLineInterface
import Platform

/// Runs a program on this process's arguments and streams, and ends the process with its status.
package func runProgram(
  _ run: (_ arguments: [String], _ console: Console) -> ExitStatus
) -> Never {
  prepareProcess()
  let arguments: [String]
  do {
    arguments = try programArguments()
  } catch {
    guard error == .argumentsNotFound else {
      _ = StandardStream.error.write("an argument isn't UTF-8\n")
      exitProcess(ExitStatus.usage.rawValue)
    }
    _ = StandardStream.error.write(
      "the arguments can't be found, and nothing was done: is /proc/self/maps readable?\n")
    exitProcess(ExitStatus.inputOutput.rawValue)
  }
  let status = run(arguments, systemConsole())
  exitProcess(status.rawValue)
}

/// The process's own streams.
private func systemConsole() -> Console {
  Console(
    environment: environmentVariable,
    output: { (bytes) throws(SinkError) in try write(bytes, to: .output) },
    talk: { (bytes) throws(SinkError) in try write(bytes, to: .error) },
    outputIsTerminal: StandardStream.output.isTerminal,
    talkIsTerminal: StandardStream.error.isTerminal,
    width: chosenWidth(
      columns: environmentVariable("COLUMNS"), measured: StandardStream.output.width) ?? 80,
    height: StandardStream.output.height ?? 24,
    monotonicNanoseconds: SystemClock.monotonicNanoseconds, startPager: startPager)
}

private func startPager(_ command: String) -> Pager? {
  guard let process = try? PagerProcess(command) else { return nil }
  return Pager(
    output: { (bytes) throws(SinkError) in try check(process.write(bytes[...])) },
    finish: process.finish)
}

private func write(_ bytes: [UInt8], to stream: StandardStream) throws(SinkError) {
  try check(stream.write(bytes[...]))
}

private func check(_ outcome: WriteOutcome) throws(SinkError) {
  switch outcome {
  case .written: break
  case .readerGone: throw .readerIsGone
  case .failed(let code): throw .failed(code: code)
  }
}
