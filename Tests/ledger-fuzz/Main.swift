import Foundation
import Fuzzing

// Built with libFuzzer's runtime (`tools/fuzz`), that has `main` and calls what stands below with one
// input after the other. Built without it, the program runs inputs that were kept:
//   ledger-fuzz --targets | TARGET FILE...

/// The names and limits of all targets, a line each.
private func printTargets() {
  for target in FuzzTarget.all + [.canary] { print(target.name, target.limit) }
}

#if FUZZING
  private let wanted = ProcessInfo.processInfo.environment["LEDGER_FUZZ_TARGET"] ?? ""

  /// The target that the environment names.
  private let target: FuzzTarget = {
    guard let target = FuzzTarget.named(wanted) else { fatalError("LEDGER_FUZZ_TARGET names none") }
    return target
  }()

  /// What libFuzzer calls first.
  @_cdecl("LLVMFuzzerInitialize")
  public func initialize(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer
  ) -> CInt {
    if wanted == "--targets" {
      printTargets()
      exit(0)
    }
    return 0
  }

  /// What libFuzzer calls with each input.
  @_cdecl("LLVMFuzzerTestOneInput")
  public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    target.run(bytes)
    return 0
  }
#else
  @main
  enum Program {
    static func main() throws {
      let arguments = Array(CommandLine.arguments.dropFirst())
      if arguments == ["--targets"] { return printTargets() }
      guard let target = arguments.first.flatMap(FuzzTarget.named) else {
        FileHandle.standardError.write(
          Data("usage: ledger-fuzz --targets | TARGET FILE...\n".utf8))
        exit(64)
      }
      for path in arguments.dropFirst() {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        print(path)
        target.run(Array(bytes))
      }
    }
  }
#endif
