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
    _ = StandardStream.error.write("an argument isn't UTF-8\n")
    exitProcess(ExitStatus.usage.rawValue)
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
      columns: environmentVariable("COLUMNS"), measured: StandardStream.output.width) ?? 80)
}

private func write(_ bytes: [UInt8], to stream: StandardStream) throws(SinkError) {
  switch stream.write(bytes[...]) {
  case .written: break
  case .readerGone: throw .readerIsGone
  case .failed(let code): throw .failed(code: code)
  }
}
