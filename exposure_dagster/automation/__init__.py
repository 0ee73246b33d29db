"""What happens without anyone pressing a button: sensors and schedules.

`prompt_files` follows the prompt folder, `rescoring` asks for what is stale (the only part that
spends, and off until it is turned on), `publishing` lets rankings and files follow, `alerts` tells.
"""
