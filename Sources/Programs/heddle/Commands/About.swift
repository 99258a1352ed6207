import ArgumentParser
import Diagnostics

struct ShowVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @OptionGroup var format: OutputOptions

    func run() {
        switch format.output {
        case .text: Output.write("heddle \(Version.text)\n")
        case .json: Output.write(["version": .string(Version.text)])
        }
    }
}

struct Completion: ParsableCommand {
    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish
    }

    static let configuration = CommandConfiguration(
        abstract: "Print a completion script for a shell.",
        discussion: """
            Examples:
              heddle completion bash > /etc/bash_completion.d/heddle
              heddle completion zsh > "${fpath[1]}/_heddle"
              heddle completion fish > ~/.config/fish/completions/heddle.fish
            """)

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() {
        let script =
            switch shell {
            case .bash: Heddle.completionScript(for: .bash)
            case .zsh: Heddle.completionScript(for: .zsh)
            case .fish: Heddle.completionScript(for: .fish)
            }
        Output.write(script.hasSuffix("\n") ? script : script + "\n")
    }
}
