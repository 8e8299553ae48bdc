package android.view

open class View {
    var isEnabled = true
    fun setOnClickListener(listener: (View) -> Unit) {}
}
