"""The API keys that the workshop keeps itself, sealed: `<home>/secrets`.

sealing    AES-256-GCM over bytes, each sealed for one purpose
key_file   the key that opens the vault: a systemd credential, or a file outside the workshop's home
passphrase the other way in, for people at a terminal
drawer     the folder: checked, locked, written whole or not at all
exposed    what others could reach, for who looks after it
vault      names and their values, the newest first
"""
