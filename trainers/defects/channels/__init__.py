"""What each kind of defect looks like: functions of a waveform or its spectra, a file for each idea."""
